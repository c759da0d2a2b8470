"""Tables of what lesions of clusters cost."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.cluster_lesions import Clusters, Measured
from anatomy.cluster_losses import (
    group_losses,
    performance_distance,
    selectivity,
)
from anatomy.neurons import Neurons
from anatomy.recognition import RECOGNISED_AS, RecognisedAs, Recognition
from anatomy.significance import familywise_p_values, p_values
from anatomy.stats import confidence_interval
from anatomy.stimuli.stimulus_set import StimulusSet
from anatomy.tables import CLUSTER_TABLES
from anatomy.thumbnails import png, resized

SEED = 0
GROUP_KINDS = ("super_category", "category")
BAND = (0.025, 0.975)
UPPER = 0.95
HURT_CATEGORIES = 4
IMAGES_OF_EACH = 2
SIDE = 96
Row = dict[str, Any]


def empty_tables() -> dict[str, pd.DataFrame]:
    """The tables of a method without clusters."""
    return {
        name: pd.DataFrame(columns=[column for column in columns if not column.endswith("_NAME")])
        for name, columns in CLUSTER_TABLES.items()
    }


class ClusterTables:
    """Tables of the lesions of one method's clusters.

    Parameters
    ----------
    measured : on the images of `recognition`, and of `random_recognition` for random lesions
    recognised_as : what counts as recognising an image in all tables but `losses`, which has both
    """

    def __init__(
        self,
        clusters: Clusters,
        neurons: Neurons,
        measured: Measured,
        recognition: Recognition,
        random_recognition: Recognition,
        recognised_as: RecognisedAs,
    ) -> None:
        self._clusters, self._neurons, self._measured = clusters, neurons, measured
        self._recognition, self._random_recognition = recognition, random_recognition
        self._recognised_as = recognised_as
        self._names, groups = recognition.super_categories
        own = recognised_as
        self._losses = group_losses(measured.whole[own], groups, self._names)
        parts = group_losses(measured.parts[own], groups, self._names)
        self._parts = parts.reshape(len(clusters.present), -1, len(self._names))
        self._random = self._random_losses(own, "super_category", self._names)

    def all(self, stimuli: StimulusSet) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {
            "lesions": self.lesions(),
            "losses": self.losses(),
            "layers": self.layers(),
            "random": self.random(),
            "hurt_images": self.hurt_images(stimuli),
        }

    def lesions(self) -> pd.DataFrame:
        """A row per cluster."""
        p_value, familywise = self._p_values()
        rows = []
        for place, label in enumerate(self._clusters.present):
            losses = self._losses[place]
            neurons = int((self._clusters.labels == label).sum())
            rows.append(
                self._clusters.about(label)
                | {
                    "chosen": self._clusters.chosen,
                    "neurons": neurons,
                    "neuron_fraction": neurons / self._neurons.count,
                    "most_hurt": self._most_hurt(losses),
                    "performance_distance": float(performance_distance(losses)),
                    "selectivity": float(selectivity(losses)),
                }
                | self._against_random(place)
                | {"p_value": p_value.get(label), "familywise_p_value": familywise.get(label)}
                | self._named(losses)
            )
        return pd.DataFrame(rows)

    def losses(self) -> pd.DataFrame:
        """A row per cluster, way of recognising, and super-category or category."""
        bands = {
            (recognised_as, kind): self._bands(recognised_as, kind)
            for recognised_as in RECOGNISED_AS
            for kind in GROUP_KINDS
        }
        rows = [
            self._clusters.about(label) | row
            for place, label in enumerate(self._clusters.present)
            for (recognised_as, kind), own in bands.items()
            for row in self._group_rows(place, recognised_as, kind, own[place])
        ]
        return pd.DataFrame(rows)

    def layers(self) -> pd.DataFrame:
        """A row per cluster and layer."""
        rows = []
        for place, label in enumerate(self._clusters.present):
            own = self._clusters.labels == label
            for number, (layer, neurons) in enumerate(self._neurons.layer_counts(own).items()):
                size = self._neurons.places[layer]
                losses = self._parts[place, number]
                rows.append(
                    self._clusters.about(label)
                    | {
                        "layer": layer,
                        "neurons": neurons,
                        "layer_neurons": size.stop - size.start,
                        "share_of_layer": neurons / (size.stop - size.start),
                        "share_of_cluster": neurons / max(1, int(own.sum())),
                        "performance_distance": float(performance_distance(losses)),
                    }
                    | self._named(losses)
                )
        return pd.DataFrame(rows)

    def random(self) -> pd.DataFrame:
        """A row per draw of a random lesion."""
        rows = [
            self._clusters.about(label)
            | {"draw": draw, "performance_distance": float(performance_distance(losses))}
            | self._named(losses)
            for place, label in enumerate(self._clusters.matched)
            for draw, losses in enumerate(self._random[:, place])
        ]
        return pd.DataFrame(rows)

    def hurt_images(self, stimuli: StimulusSet) -> pd.DataFrame:
        """Images of the categories that each cluster's lesion costs most; those it costs come first."""
        images = self._recognition.images.reset_index(drop=True)
        hits = self._measured.whole[self._recognised_as]
        categories = list(images["category"].unique())
        losses = group_losses(hits, images["category"].to_numpy(str), categories)
        rows = []
        for place, label in enumerate(self._clusters.present):
            lost = hits.intact & ~hits.lesioned[place]
            hurt = np.argsort(-losses[place], kind="stable")[:HURT_CATEGORIES]
            for rank, number in enumerate(hurt, start=1):
                if losses[place, number] <= 0:
                    break
                own = np.flatnonzero(images["category"] == categories[number])
                shown = own[np.argsort(~lost[own], kind="stable")][:IMAGES_OF_EACH]
                about = {"loss": float(losses[place, number]), "rank": rank}
                for order, image in enumerate(shown, start=1):
                    row = images.loc[image]
                    picture = stimuli.images(slice(row["row"], row["row"] + 1))[0]
                    rows.append(
                        self._clusters.about(label)
                        | row[["category", "name", "super_category"]].to_dict()
                        | about
                        | {"place": order, "image_id": row["image_id"]}
                        | {"thumbnail": png(resized(picture, SIDE))}
                    )
        return pd.DataFrame(rows)

    def _most_hurt(self, losses: NDArray[np.float64]) -> str:
        """The super-category that loses most; none where no other loses less."""
        if losses.max() <= max(0, losses.min()):
            return ""
        return self._names[int(losses.argmax())]

    def _named(self, losses: NDArray[np.float64]) -> Row:
        return {f"loss_{name}": float(loss) for name, loss in zip(self._names, losses, strict=True)}

    def _random_losses(
        self, recognised_as: RecognisedAs, column: str, names: list[str]
    ) -> NDArray[np.float64]:
        """Losses (draw, cluster, group) of random lesions."""
        groups = self._random_recognition.images[column].to_numpy(str)
        losses = group_losses(self._measured.random[recognised_as], groups, names)
        return losses.reshape(-1, len(self._clusters.matched), len(names))

    def _p_values(self) -> tuple[dict[int, float], dict[int, float]]:
        """p-value of each cluster's performance distance, alone and among all clusters."""
        matched = self._clusters.matched
        names, groups = self._random_recognition.super_categories
        hits = self._measured.random_whole[self._recognised_as]
        observed = performance_distance(group_losses(hits, groups, names))
        drawn = performance_distance(self._random)
        if not len(drawn):
            return {}, {}
        alone = p_values(observed, drawn)
        one_image = 1 / min(int((groups == name).sum()) for name in names)
        among = familywise_p_values(observed, drawn, one_image)
        return (
            dict(zip(matched, alone.tolist(), strict=True)),
            dict(zip(matched, among.tolist(), strict=True)),
        )

    def _against_random(self, place: int) -> Row:
        if place >= len(self._clusters.matched) or not len(self._random):
            return {"random_draws": 0, "random_distance": None, "random_distance_high": None}
        drawn = performance_distance(self._random[:, place])
        return {
            "random_draws": len(drawn),
            "random_distance": float(drawn.mean()),
            "random_distance_high": float(np.quantile(drawn, UPPER)),
        }

    def _groups(self, kind: str) -> list[str]:
        return list(self._recognition.images[kind].unique())

    def _group_rows(
        self, place: int, recognised_as: RecognisedAs, kind: str, bands: NDArray[np.float64]
    ) -> Iterator[Row]:
        images = self._recognition.images
        hits = self._measured.whole[recognised_as]
        for name, band in zip(self._groups(kind), bands, strict=True):
            own = (images[kind] == name).to_numpy()
            intact, lesioned = hits.intact[own], hits.lesioned[place, own]
            loss = confidence_interval(intact.astype(float) - lesioned, SEED)
            yield {
                "recognised_as": recognised_as,
                "group_kind": kind,
                "group": name,
                "super_category": images["super_category"][own].iloc[0],
                "images": loss.n,
                "sensitivity_intact": float(intact.mean()),
                "sensitivity": float(lesioned.mean()),
                "loss": loss.value,
                "low": loss.low,
                "high": loss.high,
            } | dict(zip(("random_loss", "random_low", "random_high"), band, strict=True))

    def _bands(self, recognised_as: RecognisedAs, kind: str) -> NDArray[np.float64]:
        """Mean and band (cluster, group, 3) of the losses of random lesions; NaN for clusters without any."""
        names = self._groups(kind)
        bands = np.full((len(self._clusters.present), len(names), 3), np.nan)
        drawn = self._random_losses(recognised_as, kind, names)
        if len(drawn):
            matched = np.stack([drawn.mean(axis=0), *np.quantile(drawn, BAND, axis=0)], axis=2)
            bands[: len(matched)] = matched
        return bands
