"""The page of a category: its circuit, what it shares with others, and which lesions hurt it."""

import math
from html import escape

import pandas as pd

from anatomy.atlas.charts import Bar, bars, pruning_chart
from anatomy.atlas.circuit_drawing import WORDS, circuit_drawing
from anatomy.atlas.contents import Category, Contents
from anatomy.atlas.frame import beside, page, picture, section, stats, swatch, tiles, unit_tile
from anatomy.atlas.lesion_tables import cluster_losses, concept_losses, knockout_losses
from anatomy.figures.circuit_controls import CONTROLS
from anatomy.figures.style import concept_name, percent
from anatomy.pages import DASH, decimal, significant
from anatomy.tables import FOUND

NEIGHBOURS = 8
UNITS = 12
ROOT = "../"


def category_page(contents: Contents, own: Category) -> str:
    """A category's page; what a method has not measured is left out."""
    category = own.category
    parts = [
        section("Is it the circuit?", _controls(contents, category), _CONTROL_WORDS),
        section("How much can be pruned?", _pruning(contents, category), _PRUNING_WORDS),
        section("Circuits that share most weights", _neighbours(contents, category), _SHARED_WORDS),
        section("Units whose loss hurts most", _units(contents, category), _UNIT_WORDS),
        section(
            "Concepts whose loss hurts most", concept_losses(contents, category), _CONCEPT_WORDS
        ),
        section(
            "Clusters of neurons whose loss hurts",
            cluster_losses(contents, category),
            _CLUSTER_WORDS,
        ),
        section("Knock-outs, layer by layer", knockout_losses(contents, category), _KNOCKOUT_WORDS),
    ]
    circuit = section("Circuit", circuit_drawing(contents, category, ROOT), WORDS)
    body = f'{_head(contents, own)}\n{circuit}\n<div class="sections">\n{"".join(parts)}\n</div>'
    return page(contents, f"{own.name}: category of {contents.network}", body)


_CONTROL_WORDS = (
    "Circuit substitution accuracy (CSA) on new images: hits minus false alarms when other weights compute this"
    " category's output. Grey: what a constant output gets, which is the null."
)
_PRUNING_WORDS = (
    "Faithfulness: 1 is the unpruned network, 0 a constant output. First the fully-connected layers are pruned, then,"
    " with what is left of these, the convolutions. Points: the circuit."
)
_SHARED_WORDS = (
    "Jaccard similarity of the kept weights of both circuits. Grey: the same for independent choices of as many weights"
    " of each layer."
)
_UNIT_WORDS = (
    "The share of this category's images that is lost when this one unit is removed, and how far the mean of its output"
    " falls."
)
_CONCEPT_WORDS = (
    "Share of this category's images that is lost when all units of a concept are removed. Grey: the same for as many"
    " other units, drawn at random."
)
_CLUSTER_WORDS = (
    "Share of this category's images that is lost when a cluster of neurons is removed, with its 95&nbsp;% interval"
    " over images. Grey: as many random neurons of each layer."
)
_KNOCKOUT_WORDS = (
    "The share of a layer that must be knocked out until half of what is recognised above chance is lost, mean and"
    " 95&nbsp;% interval over draws. Short bars: the category depends on this layer."
)


def _head(contents: Contents, own: Category) -> str:
    examples = "".join(
        picture(f"{ROOT}{address}", f"{own.name}, image {number}")
        for number, address in enumerate(contents.pictures.examples.get(own.category, []), start=1)
    )
    shown = f'<p class="images">{examples}</p>' if examples else ""
    feature = contents.pictures.features.get(own.category)
    if feature is not None:
        words = f"What the output unit of {own.name} asks for"
        drawn = picture(f"{ROOT}{feature}", words, "large")
        feature = f"<figure>{drawn}<figcaption>{escape(words)}</figcaption></figure>"
    folder = "" if own.category == own.name else f" ({escape(own.category)})"
    neighbours = beside(
        list(contents.categories), own.category, lambda near: contents.category_link(near, ROOT)
    )
    return (
        f"{neighbours}\n"
        '<div class="head"><div class="text"><p class="overline">Category '
        f"{swatch(contents.colors[own.super_category])} {escape(own.super_category)}</p>"
        f"<h1>{escape(own.name)}{folder}</h1>{_numbers(contents, own.category)}{shown}</div>"
        f"{f'<div class={chr(34)}pair{chr(34)}>{feature}</div>' if feature else ''}</div>"
    )


def _numbers(contents: Contents, category: str) -> str:
    row = contents.tables.circuits.get(category)
    if row is None:
        return ""
    if row["outcome"] != FOUND:
        return f"<p>There is no circuit: {escape(row['outcome'])}.</p>"
    null = f" <small>constant output {decimal(row['csa_bias_only'])}</small>"
    entries = [
        ("of the weights kept", percent(row["kept_fraction"])),
        ("CSA of the circuit, new images", f"{decimal(row['csa_evaluation'])}{null}"),
        ("CSA of the unpruned unit", decimal(row["csa_unpruned"])),
    ]
    if math.isfinite(row["faithfulness"]):
        entries.append(("faithfulness", f"{row['faithfulness']:.2f}"))
    return stats(entries)


def _controls(contents: Contents, category: str) -> str:
    table = contents.tables.controls.get(category)
    if table is None:
        return ""
    rows = table.drop_duplicates("control").set_index("control")
    null = rows["csa"].get("constant", math.nan)
    return bars(
        [
            Bar(
                f"{CONTROLS[control]}{_other(contents, control, rows.loc[control].get('other', ''))}",
                rows.loc[control, "csa"],
                decimal(rows.loc[control, "csa"]),
                contents.color(category) if control == "circuit" else "#8a8d91",
                null=null,
            )
            for control in CONTROLS
            if control in rows.index and control != "constant"
        ],
        ("weights in use", "CSA"),
    )


def _other(contents: Contents, control: str, other: str) -> str:
    if not control.startswith("other_") or not other:
        return ""
    return f": {contents.category_link(other, ROOT)}"


def _pruning(contents: Contents, category: str) -> str:
    sweep, row = contents.tables.sweeps.get(category), contents.tables.circuits.get(category)
    if sweep is None or row is None:
        return ""
    if "threshold" in sweep:
        sweep = sweep[sweep["threshold"] == row["threshold"]]
    chosen = {"fully_connected": row["kept_fraction_fc"], "convolution": row["kept_fraction_conv"]}
    return pruning_chart(sweep, chosen, contents.color(category))


def _neighbours(contents: Contents, category: str) -> str:
    table = contents.tables.neighbours.get(category)
    if table is None:
        return ""
    nearest = table.sort_values("jaccard", ascending=False, kind="stable").head(NEIGHBOURS)
    return bars(
        [
            Bar(
                f"{swatch(contents.color(row.other))} {contents.category_link(row.other, ROOT)}",
                row.jaccard,
                f"{decimal(row.jaccard)} <small>chance {decimal(row.expected_jaccard)}</small>",
                contents.color(row.other),
                null=row.expected_jaccard,
            )
            for row in nearest.itertuples()
        ],
        ("circuit", "Jaccard similarity"),
    )


def _units(contents: Contents, category: str) -> str:
    table = contents.tables.unit_lesions_of_category.get(category)
    if table is None:
        return ""
    return tiles([_unit(contents, row) for row in _worst(table).itertuples()])


def _worst(table: pd.DataFrame) -> pd.DataFrame:
    """The units that cost something, the costliest first; of equal losses that of the larger decrease of the logit."""
    costly = table[(table["loss"] > 0) | (table["logit_loss"] > 0)]
    return costly.sort_values(["loss", "logit_loss"], ascending=False, kind="stable").head(UNITS)


def _unit(contents: Contents, row: tuple) -> str:
    unit = (row.layer, int(row.unit))
    dissected = contents.tables.dissected.get(unit)
    concept = "" if dissected is None else escape(concept_name(dissected["concept"]))
    named = f'<span class="concept">{concept}</span>' if concept else ""
    lost = percent(row.loss) if math.isfinite(row.loss) else DASH
    falls = significant(row.logit_loss)
    return unit_tile(
        contents, unit, ROOT, f"{named}<span>loss {lost}</span><span>output {falls}</span>"
    )
