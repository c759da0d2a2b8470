"""What an atlas is made from: the tables of all methods, in rows by category and by unit; any may be absent."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from anatomy.tables import read_units

# the similarity of circuits in all layers together, as tables of overlap call it
ALL_LAYERS = "all"
Groups = Mapping[Hashable, pd.DataFrame]
Row = Mapping[str, Any]

# the tables that an atlas reads, each in any number of files
SOURCES = (
    *("circuits", "sweep", "controls", "overlap", "drawn_units", "drawn_connections"),
    *("cluster_losses", "knockout_areas", "dissected", "interventions"),
    *("circuit_units", "unit_lesions", "concept_lesions"),
)
# of the units of drawn circuits; their pictures are read apart
DRAWN = (
    *("category", "layer", "column", "unit", "strength", "rank"),
    *("units", "connected_units", "connected_fraction"),
)
# columns that are text whatever they look like
TEXT = (
    *("category", "super_category", "layer", "concept", "concept_category", "group", "cluster"),
    *("group_kind", "control", "other", "stage", "kind", "mode", "measure", "method", "outcome"),
)


@dataclass(frozen=True)
class Tables:
    """Rows of the tables of one network; what a method has not measured is not there.

    Attributes
    ----------
    circuits : category -> its row of the table of circuits
    sweeps, controls, losses, areas, concept_lesions : category -> its rows of the tables of that name
    lesions_of_concept : concept -> its rows of the table of lesions of concepts
    neighbours : category -> other, jaccard, expected_jaccard; all layers together
    drawn_units, drawn_connections : category -> the units and connections of its circuit's picture
    dissected : (layer, unit) -> its row of the table of dissected units
    interventions : (layer, unit) -> parts that it needs
    unit_lesions, unit_lesions_of_category : (layer, unit) or category -> layer, unit, category, loss, logit_loss
    circuits_of_unit : (layer, unit) -> category, kept_fraction, of circuits that use it
    """

    circuits: Mapping[Hashable, Row] = field(default_factory=dict)
    sweeps: Groups = field(default_factory=dict)
    controls: Groups = field(default_factory=dict)
    neighbours: Groups = field(default_factory=dict)
    drawn_units: Groups = field(default_factory=dict)
    drawn_connections: Groups = field(default_factory=dict)
    losses: Groups = field(default_factory=dict)
    areas: Groups = field(default_factory=dict)
    concept_lesions: Groups = field(default_factory=dict)
    lesions_of_concept: Groups = field(default_factory=dict)
    dissected: Mapping[Hashable, Row] = field(default_factory=dict)
    interventions: Groups = field(default_factory=dict)
    unit_lesions: Groups = field(default_factory=dict)
    unit_lesions_of_category: Groups = field(default_factory=dict)
    circuits_of_unit: Groups = field(default_factory=dict)


def read_tables(paths: Mapping[str, Sequence[Path]]) -> Tables:
    """Read what there is.

    Parameters
    ----------
    paths : one of SOURCES -> its files; what has none may be absent. Those of dissected layers lie in folders that are
        called like the layers.
    """
    units = ["layer", "unit"]
    concept_lesions = _read(paths, "concept_lesions")
    unit_lesions = _read(paths, "unit_lesions", [*units, "category", "loss", "logit_loss"])
    circuit_units = _read(paths, "circuit_units", [*units, "category", "kept_fraction"])
    if len(circuit_units):
        circuit_units = circuit_units[circuit_units["kept_fraction"] > 0]
    return Tables(
        circuits=_rows(_read(paths, "circuits"), ["category"]),
        sweeps=_groups(_read(paths, "sweep"), "category"),
        controls=_groups(_read(paths, "controls"), "category"),
        neighbours=_neighbours(paths.get("overlap", ())),
        drawn_units=_groups(_read(paths, "drawn_units", list(DRAWN)), "category"),
        drawn_connections=_groups(_read(paths, "drawn_connections"), "category"),
        losses=_of_categories(_read(paths, "cluster_losses")),
        areas=_of_categories(_read(paths, "knockout_areas")),
        concept_lesions=_groups(concept_lesions, "category"),
        lesions_of_concept=_groups(concept_lesions, "concept"),
        dissected=_rows(_dissected(paths.get("dissected", ())), units),
        interventions=_groups(_read(paths, "interventions"), units),
        unit_lesions=_groups(unit_lesions, units),
        unit_lesions_of_category=_groups(unit_lesions, "category"),
        circuits_of_unit=_groups(circuit_units, units),
    )


def _read(
    paths: Mapping[str, Sequence[Path]], name: str, columns: list[str] | None = None
) -> pd.DataFrame:
    """The rows of all files of a name, one after the other; no row and no column where there is no file."""
    tables = [_table(path, columns) for path in paths.get(name, ())]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _table(path: Path, columns: list[str] | None) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path, columns=columns)
    types = dict.fromkeys(TEXT, str)
    table = pd.read_csv(path, usecols=columns, dtype=types, keep_default_na=False, na_values=[""])
    there = [name for name in TEXT if name in table]
    return table.assign(**table[there].fillna(""))


def _dissected(paths: Sequence[Path]) -> pd.DataFrame:
    """The units of all layers, with their layer."""
    tables = [read_units(path).assign(layer=path.parent.name) for path in paths]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _neighbours(paths: Sequence[Path]) -> Groups:
    """Category -> the similarity of its circuit with each other one; a pair is there for both."""
    columns = ["category_a", "category_b", "jaccard", "expected_jaccard"]
    only = [("layer", "==", ALL_LAYERS)]
    pairs = [pd.read_parquet(path, columns=columns, filters=only) for path in paths]
    if not pairs:
        return {}
    first = pd.concat(pairs, ignore_index=True).dropna(subset="jaccard")
    first = first.rename(columns={"category_a": "category", "category_b": "other"})
    second = first.rename(columns={"category": "other", "other": "category"})
    return _groups(pd.concat([first, second], ignore_index=True), "category")


def _of_categories(table: pd.DataFrame) -> Groups:
    """The rows that are about one category, by its name."""
    if table.empty:
        return {}
    return _groups(table[table["group_kind"] == "category"], "group")


def _groups(table: pd.DataFrame, by: str | list[str]) -> Groups:
    return {} if table.empty else dict(iter(table.groupby(by, sort=False)))


def _rows(table: pd.DataFrame, by: list[str]) -> dict[Hashable, Row]:
    """Key -> row; the key of several columns is a tuple."""
    if table.empty:
        return {}
    keys = table[by[0]] if len(by) == 1 else zip(*(table[name] for name in by), strict=True)
    return dict(zip(keys, table.to_dict("records"), strict=True))
