"""A network of which everything is planted, with names that are hard to write, for tests of its atlas."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from drawn_units import MINIMUM, thumbnail, top_images, unit
from PIL import Image

from anatomy.atlas.tables import SOURCES
from anatomy.canonical import write_json
from anatomy.steps import atlas
from anatomy.steps.step import Job
from anatomy.stimuli.stimulus_set import Item, write_stimulus_set
from anatomy.tables import FOUND, write_csv, write_parquet

NASTY = "<b>&\"'</script><script>alert(1)</script>"
# category -> name, super-category; files must not be called like most of these
CATEGORIES = {
    "dog": ("dog", "animate"),
    NASTY: (f"nasty {NASTY}", "animate"),
    "007": ("007", "inanimate"),
    "nan": ("nan", "inanimate"),
    "../CON": ("con", f"odd {NASTY}"),
    "\u540d\u524d": ("\u540d\u524d", "inanimate"),
}
NAMES = list(CATEGORIES)
LAYERS = {"conv1": 4, "block.2.conv": 3, "Block.2.conv": 2, "fc": 2}
OUTPUT = "out"
NETWORK = f"network {NASTY}"
CONCEPT = f"wheel {NASTY}"
DISSECTED = ("conv1", "block.2.conv")
# of the stimulus set; the step reads its examples from there
SIDE, IMAGES = 16, 3
PICTURES = ("top_images", "features", "filters", "stimuli")
EVERYTHING = (*SOURCES, *PICTURES)
# written as CSV, the others as Parquet
TEXT_TABLES = (
    *("circuits", "sweep", "controls", "cluster_losses", "knockout_areas"),
    *("dissected", "interventions", "unit_lesions", "concept_lesions"),
)


def png(number: int) -> bytes:
    """A picture of one colour."""
    color = tuple(int(part) for part in np.random.default_rng(number).integers(256, size=3))
    buffer = io.BytesIO()
    Image.new("RGB", (7, 7), color).save(buffer, format="png")
    return buffer.getvalue()


def units() -> list[tuple[str, int]]:
    """All units but those of the output layer."""
    return [(layer, number) for layer, size in LAYERS.items() for number in range(size)]


def super_category(category: str) -> str:
    return CATEGORIES[category][1]


def circuit(category: str, place: int) -> dict[str, Any]:
    """A row of the table of circuits; the last category has none."""
    row = {"category": category, "super_category": super_category(category), "threshold": 0.9}
    numbers = {
        **{"kept_fraction": 0.1 * (place + 1), "kept_fraction_fc": 0.02, "kept_fraction_conv": 0.3},
        **{"csa_unpruned": 0.9, "csa_bias_only": 0.25, "csa_evaluation": 0.8 + place / 100},
        "faithfulness": 0.875,
    }
    if place == len(CATEGORIES) - 1:
        lacking = numbers | dict.fromkeys(
            ("kept_fraction", "kept_fraction_fc", "kept_fraction_conv", "faithfulness"), np.nan
        )
        return row | lacking | {"outcome": "unpruned CSA not above 0"}
    return row | numbers | {"outcome": FOUND}


def tables() -> dict[str, pd.DataFrame | dict[str, pd.DataFrame]]:
    """Source -> its table, or part -> table."""
    found = NAMES[:-1]
    return {
        "circuits": pd.DataFrame([circuit(name, place) for place, name in enumerate(NAMES)]),
        "sweep": pd.DataFrame(
            [
                (name, stage, kept, threshold * kept**0.1, threshold)
                for name in found
                for threshold in (0.5, 0.9)
                for stage in ("fully_connected", "convolution")
                for kept in (1.0, 0.5, 0.1, 0.01)
            ],
            columns=["category", "stage", "kept_fraction", "faithfulness", "threshold"],
        ),
        "controls": pd.DataFrame(
            [
                (name, control, other, csa)
                for name in found
                for control, other, csa in (
                    *(("circuit", "", 0.8), ("unpruned", "", 0.9), ("constant", "", 0.25)),
                    *(("random", "", 0.3), ("other_same", found[1], 0.5)),
                )
            ],
            columns=["category", "control", "other", "csa"],
        ),
        "overlap": overlap(found),
        "drawn_units": {"shard_0000": drawn_units(found)},
        "drawn_connections": {"shard_0000": drawn_connections(found)},
        "cluster_losses": cluster_losses(),
        "knockout_areas": knockout_areas(),
        "dissected": {layer: dissected(LAYERS[layer]) for layer in DISSECTED},
        "interventions": pd.DataFrame(
            [("conv1", 1, CONCEPT, "part", 2.0, 1.0, 0.5, 0.5, 0.0001)],
            columns=[
                *("layer", "unit", "concept", "concept_category", "intact", "drop"),
                *("drop_elsewhere", "relative_drop", "q_value"),
            ],
        ),
        "circuit_units": pd.DataFrame(
            [
                (
                    name,
                    super_category(name),
                    layer,
                    number,
                    "",
                    "",
                    False,
                    kept(layer, number, place),
                )
                for place, name in enumerate(found)
                for layer, number in units()
            ],
            columns=[
                *("category", "super_category", "layer", "unit", "concept", "concept_category"),
                *("detector", "kept_fraction"),
            ],
        ),
        "unit_lesions": pd.DataFrame(
            [
                (layer, number, name, super_category(name), 30, loss(layer, number, place), 0.5)
                for layer, number in units()
                for place, name in enumerate(NAMES)
            ],
            columns=[
                *("layer", "unit", "category", "super_category", "images", "loss", "logit_loss"),
            ],
        ),
        "concept_lesions": pd.DataFrame(
            [
                (
                    *("conv1", concept, kind, 2, name, super_category(name)),
                    *(cost * (name != "dog"), cost - 0.05, cost + 0.05, 0.02, 0.0004),
                )
                for name in NAMES
                for concept, kind, cost in (
                    *((CONCEPT, "part", 0.11), ("window", "part", 0.22)),
                    ("all", "all", 0.33),  # as the table calls all detectors together
                )
            ],
            columns=[
                *("layer", "concept", "concept_category", "units", "category", "super_category"),
                *("loss", "low", "high", "random_loss", "q_value"),
            ],
        ),
    }


def kept(layer: str, number: int, place: int) -> float:
    """Unit conv1 3 is in no circuit; others are most in the circuit of the last category that has one."""
    return 0.0 if (layer, number) == ("conv1", 3) else 0.1 * (place + 1)


def loss(layer: str, number: int, place: int) -> float:
    """Unit block.2.conv 2 costs the second category most; that of the others falls from category to category."""
    if (layer, number) == ("block.2.conv", 2) and place == 1:
        return 0.4
    return (4 - place) / 100


def overlap(found: Sequence[str]) -> pd.DataFrame:
    """The nearer in the list, the more alike."""
    rows = [
        (first, second, layer, 1 / (1 + b - a), 0.05)
        for a, first in enumerate(found)
        for b, second in enumerate(found)
        if a < b
        for layer in ("conv1", "all")
    ]
    columns = ["category_a", "category_b", "layer", "jaccard", "expected_jaccard"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[table["layer"] == "conv1", "jaccard"] = 0.99
    return table


def drawn_units(found: Sequence[str]) -> pd.DataFrame:
    rows = [
        (name, layer, column, number, 0.3, rank, LAYERS[layer], 2, 0.5, png(number))
        for name in found
        for column, layer in enumerate(("conv1", "fc"))
        for rank, number in enumerate((1, 0), start=1)
    ]
    rows += [
        (name, OUTPUT, 2, NAMES.index(name), 1.0, 1, len(NAMES), 1, 0.5, None) for name in found
    ]
    columns = ["category", "layer", "column", "unit", "strength", "rank", "units"]
    return pd.DataFrame(
        rows, columns=[*columns, "connected_units", "connected_fraction", "thumbnail"]
    )


def drawn_connections(found: Sequence[str]) -> pd.DataFrame:
    rows = [(name, "conv1", 1, "fc", 0, 0.5, 1) for name in found]
    rows += [(name, "fc", 0, OUTPUT, NAMES.index(name), 0.5, -1) for name in found]
    columns = ["category", "layer_from", "unit_from", "layer_to", "unit_to", "strength", "sign"]
    return pd.DataFrame(rows, columns=columns)


def cluster_losses() -> pd.DataFrame:
    rows = [
        ("ward", 3, cluster, recognised_as, kind, group, cost, cost - 0.1, cost + 0.1, 0.07)
        for recognised_as, share in (("category", 1), ("super_category", 0.9))
        for kind, groups in (("category", NAMES), ("super_category", ["animate"]))
        for group in groups
        for cluster, whole in (("1", 0.15), ("2", 0.55), ("never_active", 0.95))
        for cost in [whole * share]
    ]
    columns = ["method", "k", "cluster", "recognised_as", "group_kind", "group", "loss", "low"]
    return pd.DataFrame(rows, columns=[*columns, "high", "random_loss"])


def knockout_areas() -> pd.DataFrame:
    rows = [
        (layer, "node", "zero", measure, kind, group, half, half, half)
        for measure, kind, groups in (
            *(("sensitivity", "category", NAMES), ("top1", "all", ["all"])),
        )
        for group in groups
        for layer, half in (("conv1", 0.625), ("fc", np.nan))
    ]
    columns = ["layer", "kind", "mode", "measure", "group_kind", "group"]
    return pd.DataFrame(rows, columns=[*columns, "half_loss", "half_loss_low", "half_loss_high"])


def dissected(number: int) -> pd.DataFrame:
    """Unit 1 detects, others have the concept too, the last one has none."""
    rows = [unit(place, CONCEPT, "part", 0.03) for place in range(number - 1)]
    rows[1] = unit(1, CONCEPT, "part", 0.321)
    return pd.DataFrame([*rows, unit(number - 1, "", "", 0.0)])


def pictures() -> dict[str, dict[str, pd.DataFrame]]:
    """Pictures beside those of circuits: input -> part -> table."""
    features = [("fc", 0, "", thumbnail(1))]
    outputs = [(OUTPUT, place, name, thumbnail(place)) for place, name in enumerate(NAMES[:2])]
    columns = ["layer", "unit", "category", "picture"]
    filters = pd.DataFrame([("conv1", number, png(number)) for number in range(LAYERS["conv1"])])
    filters.columns = ["layer", "unit", "picture"]
    shown = {
        layer: top_images(pd.DataFrame({"unit": range(LAYERS[layer])}), 3) for layer in DISSECTED
    }
    for table in shown.values():
        table["image_id"] = NASTY
    return {
        "top_images": shown,
        "features": {
            "fc": pd.DataFrame(features, columns=columns),
            OUTPUT: pd.DataFrame(outputs, columns=columns),
        },
        "filters": {"filters": filters},
    }


def stimuli(folder: Path) -> Path:
    """A stimulus set of all categories; its manifest."""
    items = [
        Item(f"{place}_{number}", name, *CATEGORIES[name], "evaluation", "planted")
        for place, name in enumerate(NAMES)
        for number in range(IMAGES)
    ]

    def load(item: Item) -> np.ndarray:
        place, number = map(int, item.image_id.split("_"))
        return np.full((SIDE, SIDE, 3), 20 * place + number, np.uint8)

    base = folder / "seen"
    paths = (base.with_suffix(ending) for ending in (".zarr", ".json", ".csv"))
    write_stimulus_set(*paths, items, load, SIDE, {})
    return base.with_suffix(".json")


def written(folder: Path, sources: Sequence[str] = EVERYTHING) -> dict[str, list[Path]]:
    """Write the tables of some sources; the inputs of the step."""
    description = {
        "layers": [{"name": name, "weight_shape": [size, 3, 5, 5]} for name, size in LAYERS.items()]
        + [{"name": OUTPUT, "weight_shape": [len(NAMES), 2]}]
    }
    write_json(folder / "network.json", description)
    paths: dict[str, list[Path]] = {"network": [folder / "network.json"]}
    for name, content in (tables() | pictures()).items():
        parts = content if isinstance(content, dict) else {name: content}
        paths[name] = [
            _write(folder / name, part, table) for part, table in parts.items() if name in sources
        ]
    paths["stimuli"] = [stimuli(folder)] if "stimuli" in sources else []
    return paths


def _write(folder: Path, part: str, table: pd.DataFrame) -> Path:
    """Write a table as the workflow does, in a folder that is called like the part."""
    ending = "csv" if folder.name in TEXT_TABLES else "parquet"
    path = folder / part / f"table.{ending}"
    path.parent.mkdir(parents=True)
    (write_csv if ending == "csv" else write_parquet)(table, path)
    return path


def make(folder: Path, sources: Sequence[str] = EVERYTHING) -> Path:
    """The atlas from some sources; its folder."""
    rows = [
        {"category": category, "name": name, "super_category": group}
        for category, (name, group) in CATEGORIES.items()
    ]
    spec = {"network": NETWORK, "categories": rows, "minimum_iou": MINIMUM}
    paths = written(folder / "tables", sources) | {"folder": [folder / "atlas"]}
    atlas.main(Job(spec, 0, paths))
    return folder / "atlas"
