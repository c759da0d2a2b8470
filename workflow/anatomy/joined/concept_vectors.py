"""TCAV of super-categories in every layer: does a direction of the layer's responses stand for the super-category?

Kim, Wattenberg, Gilmer et al. (2018): a linear classifier tells a layer's responses to images of a concept from those
to random images; its normal is the concept activation vector. The TCAV score is the share of images of a category for
which moving the responses along that vector raises the category's logit. Computed by Captum, several times with other
random images, and compared with vectors between two sets of random images.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from captum.concept import TCAV, Classifier, Concept
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, ttest_ind
from sklearn.linear_model import SGDClassifier
from torch import Tensor, fx, nn
from torch.utils.data import DataLoader

from anatomy import randomness
from anatomy.networks.network import Network
from anatomy.stats import t_interval
from anatomy.stimuli.stimulus_set import StimulusSet, places_in_category

# every third image is held out, to see whether the classifier works at all
HELD_OUT = 3
# of Captum's default classifier
PENALTY, PASSES, TOLERANCE = 0.01, 1000, 1e-3
COLUMNS = (
    *("layer", "super_category", "images_of", "images", "score", "low", "high"),
    *("random_score", "random_low", "random_high", "p_value", "q_value"),
    *("accuracy", "random_accuracy", "sets"),
)


@dataclass(frozen=True, eq=False)
class Examples:
    """Which images stand for what; rows of the table of the stimulus set.

    Attributes
    ----------
    concepts : super-category -> images that show it
    random : sets of random images of all categories
    shown : super-category -> images whose logits are differentiated; no image is in a concept or a random set
    """

    concepts: Mapping[str, NDArray[np.int64]]
    random: Sequence[NDArray[np.int64]]
    shown: Mapping[str, NDArray[np.int64]]


def examples(
    stimuli: StimulusSet, images: int, sets: int, shown: int, purpose: Sequence[object]
) -> Examples:
    """Images of each super-category and random ones from the extraction split, images to be shown from evaluation.

    Parameters
    ----------
    images : of each concept and each random set, as far as there are so many
    sets : number of random sets
    shown : images of each super-category whose logits are differentiated, evenly from its categories
    purpose : what the draws depend on
    """
    table = stimuli.table
    groups = sorted(table["super_category"].unique())
    extraction, evaluation = stimuli.rows("extraction"), stimuli.rows("evaluation")

    def drawn(rows: NDArray[np.int64], number: int, what: str) -> NDArray[np.int64]:
        random = randomness.generator(*purpose, what)
        return np.sort(random.choice(rows, min(number, len(rows)), replace=False))

    def of(rows: NDArray[np.int64], group: str) -> NDArray[np.int64]:
        return rows[(table["super_category"].iloc[rows] == group).to_numpy()]

    return Examples(
        {group: drawn(of(extraction, group), images, f"concept {group}") for group in groups},
        [drawn(extraction, images, f"random {number}") for number in range(sets)],
        {group: _evenly(of(evaluation, group), stimuli, shown) for group in groups},
    )


def _evenly(rows: NDArray[np.int64], stimuli: StimulusSet, number: int) -> NDArray[np.int64]:
    """The first images of each category, in turn."""
    place = places_in_category(stimuli.table["category"].iloc[rows])
    return np.sort(rows[np.argsort(place, kind="stable")[:number]])


class _LinearClassifier(Classifier):
    """Captum's default classifier, scikit-learn's linear one by stochastic gradient descent, with a seed."""

    def __init__(self) -> None:
        self._model = SGDClassifier(alpha=PENALTY, max_iter=PASSES, tol=TOLERANCE, random_state=0)

    def train_and_eval(self, dataloader: DataLoader, **kwargs: Any) -> dict[str, float]:
        """Fit to two thirds of the responses; accuracy on the others."""
        batches, labels = zip(*dataloader, strict=True)
        responses, labels = torch.cat(batches).numpy(), torch.cat(labels).numpy()
        held_out = np.arange(len(labels)) % HELD_OUT == 0
        self._model.fit(responses[~held_out], labels[~held_out])
        return {"accuracy": float(self._model.score(responses[held_out], labels[held_out]))}

    def weights(self) -> Tensor:
        """(class, feature)."""
        (normal,) = torch.from_numpy(self._model.coef_).float()
        return torch.stack([-normal, normal])

    def classes(self) -> list[int]:
        """Labels in the order of the weights."""
        return self._model.classes_.tolist()


def concept_vector_table(
    network: Network,
    stimuli: StimulusSet,
    layers: Sequence[str],
    chosen: Examples,
    batch_size: int,
) -> pd.DataFrame:
    """TCAV scores of each layer, concept and kind of images shown.

    Scores are means over random sets, with Student's t intervals; the p-value is that of a two-sided Welch test
    against vectors between random sets (Kim et al. 2018 test likewise), the q-value that of Benjamini & Hochberg (1995)
    over the table.

    Returns
    -------
    table with COLUMNS, in the order of the layers
    """
    model, names = _with_named_responses(network, layers)
    concepts, random = _concepts(network, stimuli, chosen, batch_size)
    pairs = {group: [[own, other] for other in random] for group, own in concepts.items()}
    null = [[own, random[(place + 1) % len(random)]] for place, own in enumerate(random)]
    sets = [pair for own in pairs.values() for pair in own] + null
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tcav = TCAV(
            model, list(names.values()), classifier=_LinearClassifier(), save_path=f"{folder}/"
        )
        for images_of, images in chosen.shown.items():
            scores = _scores(tcav, network, stimuli, images, sets)
            for layer, name in names.items():
                about = {"layer": layer, "images_of": images_of, "images": len(images)}
                for group, own in pairs.items():
                    found = _row(tcav, scores, name, own, null)
                    rows.append(about | {"super_category": group} | found)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["q_value"] = false_discovery_control(table["p_value"].fillna(1.0))
    order = {layer: place for place, layer in enumerate(layers)}
    return table.sort_values("layer", key=lambda own: own.map(order), kind="stable").reset_index(
        drop=True
    )


def _with_named_responses(
    network: Network, layers: Sequence[str]
) -> tuple[fx.GraphModule, dict[str, str]]:
    """The network with a module behind the non-linearity of each layer, which Captum can find; layer -> its name."""
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    graph.output(graph.graph_copy(network.graph.graph, copied))
    model = fx.GraphModule(network.graph, graph)
    named = {node.name: copied[node] for node in copied}
    names = {}
    for number, layer in enumerate(layers):
        names[layer] = f"response_{number}"
        model.add_submodule(names[layer], nn.Identity())
        response = named[network.response(layer)]
        with graph.inserting_after(response):
            seen = graph.call_module(names[layer], (response,))
        response.replace_all_uses_with(seen, delete_user_cb=lambda user, own=seen: user is not own)
    model.recompile()
    return model, names


def _concepts(
    network: Network, stimuli: StimulusSet, chosen: Examples, batch_size: int
) -> tuple[dict[str, Concept], list[Concept]]:
    every = [*chosen.concepts.items()] + [
        (f"random {number}", rows) for number, rows in enumerate(chosen.random)
    ]
    made = [
        Concept(number, name, _Batches(network, stimuli, rows, batch_size))
        for number, (name, rows) in enumerate(every)
    ]
    count = len(chosen.concepts)
    return dict(zip(chosen.concepts, made[:count], strict=True)), made[count:]


class _Batches:
    """Network input from some images, batch by batch, as often as it is asked for."""

    def __init__(
        self, network: Network, stimuli: StimulusSet, rows: NDArray[np.int64], size: int
    ) -> None:
        self._network, self._stimuli, self._rows, self._size = network, stimuli, rows, size

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, len(self._rows), self._size):
            rows = self._rows[start : start + self._size]
            yield self._network.input(self._stimuli.images(rows))


def _scores(
    tcav: TCAV,
    network: Network,
    stimuli: StimulusSet,
    rows: NDArray[np.int64],
    sets: list[list[Concept]],
) -> Mapping[str, Mapping[str, Mapping[str, Tensor]]]:
    """Captum's scores for images, each by the logit of its own category."""
    targets = torch.from_numpy(stimuli.outputs(rows, network.categories)).to(network.device)
    return tcav.interpret(network.input(stimuli.images(rows)), sets, target=targets)


def _row(
    tcav: TCAV,
    scores: Mapping[str, Mapping[str, Mapping[str, Tensor]]],
    name: str,
    sets: Sequence[Sequence[Concept]],
    null: Sequence[Sequence[Concept]],
) -> dict[str, float]:
    """Score and accuracy of the classifiers of one layer, beside those between random sets."""
    own, random = (
        np.array([float(scores[_key(pair)][name]["sign_count"][0]) for pair in pairs])
        for pairs in (sets, null)
    )
    accuracy, random_accuracy = (
        np.mean([tcav.cavs[_key(pair)][name].stats["accuracy"] for pair in pairs])
        for pairs in (sets, null)
    )
    estimate, of_random = t_interval(own), t_interval(random)
    return {
        "score": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "random_score": of_random.value,
        "random_low": random.min(),
        "random_high": random.max(),
        "p_value": _welch(own, random),
        "accuracy": accuracy,
        "random_accuracy": random_accuracy,
        "sets": len(own),
    }


def _welch(own: NDArray[np.float64], random: NDArray[np.float64]) -> float:
    """Two-sided Welch test; scores that never vary are not in doubt."""
    if own.std() == 0 and random.std() == 0:
        return 1.0 if own[0] == random[0] else 0.0
    return float(ttest_ind(own, random, equal_var=False).pvalue)


def _key(pair: Sequence[Concept]) -> str:
    """Captum's name of a set of concepts."""
    return "-".join(str(concept.id) for concept in pair)
