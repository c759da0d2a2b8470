"""Planted clusters are found: neurons that serve only animate images, by all methods, from images to tables.

Images are red (animate) or blue (inanimate), with a green band at one of three heights. The network has neurons for
red, for blue and for each band, with weights of their own, and an output unit for each colour and band. Those of
animate categories add red and band; those of inanimate ones add a constant, which red exceeds, and do not read blue.
So without the neurons for red no animate image is recognised, but all inanimate ones are; without those for blue
nothing is lost, and without those for bands nothing is left.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from planted import planted_network
from torch import nn

from anatomy.cluster_tables import empty_tables
from anatomy.steps import cluster_fold, cluster_lesions, clusters, responses
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, write_stimulus_set
from anatomy.tables import CLUSTER_TABLES, join, write_parquet

SIZE = 16
COLORS = {"animate": 0, "inanimate": 2}
BANDS = (0, 1, 2)
CATEGORIES = [f"{group}_{band}" for group in COLORS for band in BANDS]
IMAGES = {"extraction": 8, "evaluation": 10}
METHODS = ("gaussian_mixture", "ward", "hdbscan")
NUMBERS = [2, 3, 4, 5, 6]
FOLDS, DRAWS = 4, 40
PER_COLOR, HIDDEN = 6, 12
# Responses of the units for red in fc2 are about 14 to red and 3 to blue images.
BETWEEN = 4


def model(outputs):
    """conv1 (18 x 8 x 8), fc2 (60), fc3: weights are planted by `plant`."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 3 * PER_COLOR, 2, stride=2),
            relu1=nn.ReLU(),
            flatten=nn.Flatten(),
            fc2=nn.Linear(3 * PER_COLOR * 64, 5 * HIDDEN),
            relu2=nn.ReLU(),
            fc3=nn.Linear(5 * HIDDEN, outputs),
        )
    )


def plant(network):
    """Channels of conv1 each see one colour; units of fc2 one colour's channels, those for bands some rows of green."""
    random = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for color in range(3):
            own = slice(color * PER_COLOR, (color + 1) * PER_COLOR)
            gains = torch.from_numpy(random.uniform(0.5, 2, (PER_COLOR, 2, 2)).astype(np.float32))
            network.conv1.weight[own, color] = gains
        weight = network.fc2.weight.view(5, HIDDEN, 3, PER_COLOR, 8, 8)
        for place, color in enumerate((0, 2)):
            weight[place, :, color] = positive(random, (HIDDEN, PER_COLOR, 8, 8))
        for band in BANDS:
            rows = slice(2 * band + 1, 2 * band + 3)
            weight[2 + band, :, 1, :, rows] = positive(random, (HIDDEN, PER_COLOR, 2, 8))
        last = network.fc3.weight.view(2, 3, 5, HIDDEN)
        last[0, :, 0] = 1
        for band in BANDS:
            last[:, band, 2 + band] = 2
        network.fc3.bias[3:] = HIDDEN * BETWEEN
    return network


def positive(random, shape):
    return torch.from_numpy(random.uniform(0, 0.02, shape).astype(np.float32))


def drawing(item, random):
    image = random.integers(10, 60, (SIZE, SIZE, 3))
    group, band = item.category.split("_")
    image[..., COLORS[group]] += random.integers(120, 180)
    top = 4 * int(band) + 2
    image[top : top + 4, :, 1] += 150
    return np.clip(image, 0, 255).astype(np.uint8)


def serves_animate():
    """(neuron,) whether it is for red."""
    conv1 = np.zeros((3, PER_COLOR, 8, 8), bool)
    conv1[0] = True
    fc2 = np.zeros((5, HIDDEN), bool)
    fc2[0] = True
    return np.concatenate([conv1.ravel(), fc2.ravel()])


def make_stimuli(folder):
    items = [
        Item(f"{split}/{category}/{n}", category, category, category.split("_")[0], split, "drawn")
        for split, count in IMAGES.items()
        for category in CATEGORIES
        for n in range(count)
    ]
    random = np.random.default_rng(1)
    drawn = {item.image_id: drawing(item, random) for item in items}
    files = folder / "planted.zarr", folder / "planted.json", folder / "planted.csv"
    write_stimulus_set(*files, items, lambda item: drawn[item.image_id], SIZE, {"seed": 1})
    return files[1]


def spec(**more):
    shown = {"network": "planted", "threads": 1, "batch_size": 16}
    clustered = {
        "layers": ["conv1", "fc2"],
        "standardisation": "z_score",
        "neurons_per_point": 4,
        "components": 10,
        "seed": 0,
        "methods": METHODS,
        "numbers": NUMBERS,
        "folds": FOLDS,
    }
    lesioned = {
        "recognised_as": "category",
        "replacement": "zero",
        "super_categories": {category: category.split("_")[0] for category in CATEGORIES},
    }
    return shown | clustered | lesioned | more


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All steps of cluster lesions, done on the planted network."""
    place = tmp_path_factory.mktemp("planted")
    with planted_network(place / "network", model, plant, SIZE, CATEGORIES):
        do_steps(place)
    return place


def do_steps(place: Path):
    shown = {"network": [place / "network/network.json"], "stimuli": [make_stimuli(place)]}
    recorded = shown | {"responses": [place / "responses.json"]}
    files = {"store": [place / "responses.zarr"], "manifest": [place / "responses.json"]}
    more = {"response_images": None, "dtype": "float16"}
    responses.main(Job(spec(**more), 0, shown | files))
    folds = [place / f"fold_{fold}.parquet" for fold in range(1, FOLDS + 1)]
    for fold, table in enumerate(folds, start=1):
        cluster_fold.main(Job(spec(fold=fold), 0, recorded | {"table": [table]}))
    made = {
        "folds": folds,
        "store": [place / "assignments.zarr"],
        "manifest": [place / "assignments.json"],
        "validation": [place / "cv.csv"],
        "choice": [place / "choice.csv"],
    }
    clusters.main(Job(spec(), 0, recorded | made))
    for method in METHODS:
        more = {"method": method, "random_draws": DRAWS, "random_images_per_category": 5}
        tables = {t: [place / f"{t}_{method}.parquet"] for t in CLUSTER_TABLES}
        paths = shown | {"assignments": [place / "assignments.json"]} | tables
        cluster_lesions.main(Job(spec(**more), 0, paths))


def table(folder, name):
    return join(folder / f"{name}_{method}.parquet" for method in METHODS)


def labels(folder, method):
    import zarr

    store = zarr.open(folder / "assignments.zarr", mode="r")
    point, label = store["summary_point"][:], store[f"cluster/{method}"][:]
    return np.where(point < 0, -2, label[point])


@pytest.mark.parametrize("method", METHODS)
def test_the_neurons_that_serve_animate_images_are_a_cluster(folder, method):
    planted, found = serves_animate(), labels(folder, method)
    best = max(range(found.max() + 1), key=lambda label: (found == label)[planted].sum())
    own = found == best
    assert (own & planted).sum() > 0.95 * planted.sum()
    assert (own & planted).sum() > 0.95 * own.sum()


@pytest.mark.parametrize("method", METHODS)
def test_its_lesion_costs_animate_images_alone(folder, method):
    planted, found = serves_animate(), labels(folder, method)
    best = max(range(found.max() + 1), key=lambda label: (found == label)[planted].sum())
    lesions = table(folder, "lesions").query(f"method == '{method}'").set_index("cluster")
    row = lesions.loc[str(best + 1)]
    assert row["neurons"] == (found == best).sum()
    intact = table(folder, "losses")["sensitivity_intact"]
    assert (intact == 1).all()
    assert row["most_hurt"] == "animate"
    assert row["loss_animate"] >= 0.95
    assert abs(row["loss_inanimate"]) <= 0.05
    assert row["selectivity"] >= 0.9
    # none of the random lesions with as many neurons in each layer comes near
    assert row["random_distance_high"] < 0.5
    assert row["p_value"] == row["familywise_p_value"] == 1 / (DRAWS + 1)


def test_the_number_of_clusters_is_one_that_tells_them_apart(folder):
    choice = pd.read_csv(folder / "choice.csv")
    best = choice[choice["best_of_method"]]
    assert set(best["method"]) == set(METHODS)
    assert (best["performance_distance"] > 0.9).all()
    assert choice["chosen"].sum() == 1
    validation = pd.read_csv(folder / "cv.csv")
    assert set(validation["fold"]) == set(range(1, FOLDS + 1))


def test_the_categories_hurt_are_the_animate_ones(folder):
    hurt = table(folder, "hurt_images")
    lesions = table(folder, "lesions").query("loss_animate > 0.9 and selectivity > 0.9")
    assert len(lesions) >= len(METHODS)
    for method, cluster in lesions[["method", "cluster"]].itertuples(index=False):
        own = hurt[(hurt["method"] == method) & (hurt["cluster"] == cluster)]
        assert set(own["super_category"]) == {"animate"}
        assert (own["loss"] > 0.9).all()


def test_the_part_in_one_layer_costs_what_it_carries(folder):
    """Either layer alone is a bottleneck for red."""
    lesions = table(folder, "lesions").query("loss_animate > 0.9 and selectivity > 0.9")
    layers = table(folder, "layers").merge(lesions[["method", "cluster"]])
    assert set(layers["layer"]) == {"conv1", "fc2"}
    assert (layers["loss_animate"] > 0.9).all()
    assert (layers["loss_inanimate"].abs() < 0.05).all()


@pytest.mark.parametrize("name", list(CLUSTER_TABLES))
def test_a_method_without_clusters_leaves_the_tables_as_they_are(folder, tmp_path, name):
    made = folder / f"{name}_ward.parquet"
    write_parquet(empty_tables()[name], tmp_path / "none.parquet")
    joined = join([made, tmp_path / "none.parquet"])
    pd.testing.assert_frame_equal(joined, join([made]), check_dtype=False)
    assert joined.to_csv() == join([made]).to_csv()
    # and a table of nothing else still has a header
    assert (
        ",".join(joined.columns[:3]) == join([tmp_path / "none.parquet"]).to_csv(index=False)[:16]
    )
