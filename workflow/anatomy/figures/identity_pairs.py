"""Figure of pairs of images in the identity task."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anatomy.figures.identity_dissociation import KINDS
from anatomy.figures.style import (
    INK,
    QUIET,
    percent,
    percent_range,
    shorten,
    styled,
    super_category_colors,
)
from anatomy.figures.tiles import canvas, tile

SAMENESS = {True: "same identity", False: "two identities"}
REPRESENTATIONS = {
    "absolute_difference": "absolute differences",
    "squared_difference": "squared differences",
    "product": "products",
    "both": "absolute differences and products",
}
# Inches.
_TILE, _BETWEEN, _NEXT = 0.98, 0.03, 0.24
_MARGIN, _HEADING, _BLOCK, _LABEL, _ROW_GAP, _FOOT = 0.3, 0.6, 0.52, 1.25, 0.16, 0.6


@styled
def example_pairs(
    examples: pd.DataFrame, accuracy: pd.DataFrame, validation: pd.DataFrame, network: str
) -> Figure:
    """Examples of pairs of the same and of two identities, of both kinds, with how well they are told apart.

    Parameters
    ----------
    examples : one row per pair: kind, same, picture_a and picture_b (square pictures as bytes of a PNG or WebP file)
    accuracy : table IDENTITY_ACCURACY of a network
    validation : table IDENTITY_CROSS_VALIDATION of the network
    network : its name
    """
    longest = int(examples.groupby(["kind", "same"]).size().max())
    width = max(2 * _MARGIN + _LABEL + longest * (2 * _TILE + _BETWEEN + _NEXT) - _NEXT, 8.5)
    block = _BLOCK + len(SAMENESS) * (_TILE + _ROW_GAP)
    height = _HEADING + len(KINDS) * block + _FOOT
    figure, axes = canvas(width, height)
    axes.text(_MARGIN, height - 0.34, "Are these two the same?", fontsize=15, va="center")
    for number, kind in enumerate(KINDS):
        top = height - _HEADING - number * block
        _block_title(axes, top, kind, accuracy)
        for row, same in enumerate(SAMENESS):
            own = examples[(examples["kind"] == kind) & (examples["same"] == same)]
            _row(axes, top - _BLOCK - row * (_TILE + _ROW_GAP), SAMENESS[same], own)
    axes.text(_MARGIN, 0.36, _readout(validation, network), color=QUIET, fontsize=10, va="center")
    return figure


def _block_title(axes: Axes, top: float, kind: str, accuracy: pd.DataFrame) -> None:
    color = super_category_colors(KINDS)[kind]
    axes.text(
        _MARGIN,
        top - 0.24,
        f"{kind.capitalize()}s",
        color=color,
        fontsize=13,
        va="center",
        fontweight="bold",
    )
    (own,) = accuracy[(accuracy["split"] == "test") & (accuracy["kind"] == kind)].itertuples()
    interval = percent_range(own.accuracy, own.low, own.high)
    text = f"network: {percent(own.accuracy)} of {own.pairs:,.0f} test pairs right"
    text += f" {interval}" if interval else ""
    text += f", d\N{PRIME} = {own.d_prime:.2f}"
    axes.text(_MARGIN + _LABEL, top - 0.24, text, color=INK, fontsize=11, va="center")


def _row(axes: Axes, top: float, label: str, pairs: pd.DataFrame) -> None:
    axes.text(
        _MARGIN, top - _TILE / 2, label.replace(" ", "\n"), color=QUIET, fontsize=11, va="center"
    )
    left = _MARGIN + _LABEL
    for pair in pairs.itertuples():
        for picture in (pair.picture_a, pair.picture_b):
            tile(axes, left, top - _TILE, _TILE, picture)
            left += _TILE + _BETWEEN
        left += _NEXT - _BETWEEN


def _readout(validation: pd.DataFrame, network: str) -> str:
    """How the readout was chosen, in two lines."""
    own = validation[validation["chosen"].astype(bool)]
    first = own.iloc[0]
    what = REPRESENTATIONS.get(first["representation"], first["representation"])
    return (
        f"{shorten(network)}: logistic regression on {what} of responses (C = {first['penalty']:g}),\nchosen by "
        f"{own['fold'].nunique()}-fold cross-validation over identities ({percent(own['accuracy'].mean())} right)"
    )
