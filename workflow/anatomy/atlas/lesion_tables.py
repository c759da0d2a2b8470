"""What lesions cost a category: of concepts, of clusters of neurons, and of growing parts of layers."""

import pandas as pd

from anatomy.atlas.charts import Bar, bars, probability
from anatomy.atlas.contents import Contents
from anatomy.figures.cluster_losses import APART, METHODS
from anatomy.figures.knockouts import KINDS, MODES
from anatomy.figures.style import layer_colors, percent
from anatomy.pages import DASH

ROOT = "../"
CONCEPTS = 8
CLUSTERS = 6
# of an area under a curve; the others are means over the images of all categories
MEASURE = "sensitivity"
EVERY = "all"


def concept_losses(contents: Contents, category: str) -> str:
    """The concepts whose units the category misses most."""
    table = contents.tables.concept_lesions.get(category)
    if table is None:
        return ""
    worst = table.sort_values("loss", ascending=False, kind="stable").head(CONCEPTS)
    worst = worst[worst["loss"] > 0]
    if worst.empty:
        return f"<p>None of {len(table)} concepts costs it an image.</p>"
    return bars(
        [
            Bar(
                f"{_concept(contents, row)} <small>{contents.layer_link(row.layer, ROOT)},"
                f" {row.units} unit{'s' * (row.units != 1)}</small>",
                row.loss,
                f"{percent(row.loss)} <small>{probability('q', row.q_value)}</small>",
                contents.color(category),
                row.low,
                row.high,
                row.random_loss,
            )
            for row in worst.itertuples()
        ],
        ("concept", "lost"),
    )


def _concept(contents: Contents, row: tuple) -> str:
    """The concept whose units are lesioned; `all` of the category `all` stands for every detector."""
    if row.concept == row.concept_category == EVERY:
        return "every detector"
    return contents.concept_link(row.concept, ROOT)


def cluster_losses(contents: Contents, category: str) -> str:
    """The clusters whose lesions cost the category most, of all methods of clustering."""
    table = contents.tables.losses.get(category)
    if table is None:
        return ""
    # an image whose output is another category of its super-category is lost to the category
    table = table[table["recognised_as"] == "category"]
    clusters = table[~table["cluster"].isin(APART)]
    worst = clusters.sort_values("loss", ascending=False, kind="stable").head(CLUSTERS)
    return bars(
        [
            Bar(
                f"cluster {row.cluster} of {row.k} <small>{METHODS.get(row.method, row.method)}</small>",
                row.loss,
                percent(row.loss),
                contents.color(category),
                row.low,
                row.high,
                row.random_loss,
            )
            for row in worst.itertuples()
        ],
        ("cluster", "lost"),
    )


def knockout_losses(contents: Contents, category: str) -> str:
    """Where half is lost, in every layer; a table for each kind and mode of knock-out."""
    table = contents.tables.areas.get(category)
    if table is None:
        return ""
    table = table[table["measure"] == MEASURE]
    colors = layer_colors(list(dict.fromkeys(table["layer"])))
    parts = []
    for (kind, mode), own in table.groupby(["kind", "mode"], sort=False):
        heading = f"<h3>{KINDS.get(kind, kind)}, {MODES.label(mode)}</h3>"
        rows = [_half(contents, row, colors) for row in own.itertuples()]
        parts.append(heading + bars(rows, ("layer", "half lost at")))
    return "".join(parts)


def _half(contents: Contents, row: tuple, colors: dict[str, str]) -> Bar:
    known = pd.notna(row.half_loss)
    words = percent(row.half_loss) if known else f"{DASH} <small>never half lost</small>"
    return Bar(
        contents.layer_link(row.layer, ROOT),
        row.half_loss,
        words,
        colors[row.layer],
        row.half_loss_low,
        row.half_loss_high,
    )
