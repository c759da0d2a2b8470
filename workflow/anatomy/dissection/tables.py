"""Tables of a dissection: units, detectors, rotations, top images."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.dissection.counts import Concepts, Counts
from anatomy.dissection.detectors import COUNTINGS, Best, Detectors, count_detectors
from anatomy.dissection.masks import Upsampling
from anatomy.dissection.resampling import Resampled
from anatomy.dissection.top_images import NOWHERE, TopImages, outlined
from anatomy.stimuli.stimulus_set import BLOCK, StimulusSet
from anatomy.store import row_blocks
from anatomy.thumbnails import resized, webp

INTERVAL = (0.025, 0.975)
ALL = "all"
LARGEST_SIDE = 96
Row = dict[str, Any]


def unit_table(
    thresholds: NDArray[np.float32],
    total: Counts,
    concepts: Concepts,
    resampled: Resampled,
    minimum: float,
) -> pd.DataFrame:
    """A row per unit: what it detects best, how well, and the best concept of every category with its counts."""
    best = Best.of_counts(total, concepts)
    category, code, iou = best.of_all()
    low, high = np.quantile(resampled.iou, INTERVAL, axis=0) if len(resampled.iou) else (None, None)
    names = np.array(concepts.names, dtype=object)
    columns: dict[str, Any] = {
        "unit": np.arange(len(code)),
        "threshold": thresholds,
        "concept": names[code],
        "category": np.where(code > 0, np.array(concepts.categories)[category], ""),
        "iou": iou,
        "low": low,
        "high": high,
        "agreement": resampled.agreement,
        "detector": iou > minimum,
    }
    units = np.arange(len(code))
    for number, name in enumerate(concepts.categories):
        own = best.codes[:, number]
        columns |= {
            f"{name}_concept": names[own],
            f"{name}_truth": total.truths[own],
            f"{name}_activation": total.activations[:, number],
            f"{name}_intersection": total.intersections[units, own],
            f"{name}_iou": best.iou[:, number],
        }
    return pd.DataFrame(columns)


def detector_table(
    layer: str, total: Counts, concepts: Concepts, resampled: Resampled, minimum: float
) -> pd.DataFrame:
    """A row per rule of counting and concept category, and one for all categories."""
    best = Best.of_counts(total, concepts)
    units = best.iou.shape[0]
    rows = []
    for counting in COUNTINGS:
        counted = count_detectors(best, counting, minimum)
        drawn = resampled.detectors[counting]
        pairs = zip(_by_category(counted, concepts), _by_category(drawn, concepts), strict=True)
        for (category, unique, detecting), (_, drawn_unique, drawn_detecting) in pairs:
            low, high = _interval(float(unique), drawn_unique)
            fewest, most = _interval(float(detecting), drawn_detecting)
            rows.append(
                {
                    "layer": layer,
                    "counting": counting,
                    "category": category,
                    "unique_detectors": int(unique),
                    "low": low,
                    "high": high,
                    "detector_units": int(detecting),
                    "share_of_units": detecting / units,
                    "share_low": fewest / units,
                    "share_high": min(most, units) / units,
                    "units": units,
                }
            )
    return pd.DataFrame(rows)


def basis_rows(about: Row, total: Counts, concepts: Concepts, minimum: float) -> Iterator[Row]:
    """Numbers of detectors of one basis; `about` says which."""
    best = Best.of_counts(total, concepts)
    for counting in COUNTINGS:
        counted = count_detectors(best, counting, minimum)
        for category, unique, detecting in _by_category(counted, concepts):
            yield about | {
                "counting": counting,
                "category": category,
                "unique_detectors": int(unique),
                "detector_units": int(detecting),
                "units": best.iou.shape[0],
            }


def top_image_table(
    top: TopImages,
    thresholds: NDArray[np.float32],
    upsampling: Upsampling,
    stimuli: StimulusSet,
) -> pd.DataFrame:
    """A row per unit and rank."""
    ids = stimuli.table["image_id"].to_numpy()
    rows = []
    for image, picture in _pictures(top, stimuli):
        small = resized(picture, min(LARGEST_SIDE, len(picture)))
        for unit, rank in np.argwhere(top.image == image):
            y, x = top.position(unit, rank)
            region = upsampling.interpolated(top.maps[unit, rank]) > float(thresholds[unit])
            rows.append(
                {
                    "unit": unit,
                    "rank": rank + 1,
                    "image_id": ids[image],
                    "response": top.response[unit, rank],
                    "y": y,
                    "x": x,
                    "thumbnail": webp(outlined(small, region)),
                }
            )
    return pd.DataFrame(rows).sort_values(["unit", "rank"], ignore_index=True)


def _pictures(top: TopImages, stimuli: StimulusSet) -> Iterator[tuple[np.int64, NDArray[np.uint8]]]:
    """Every image that is among the top images of a unit; images that share a chunk are read together."""
    wanted = np.unique(top.image[top.image != NOWHERE])
    for rows in row_blocks(len(stimuli.table), BLOCK):
        own = wanted[(wanted >= rows.start) & (wanted < rows.stop)]
        if len(own):
            yield from zip(own, stimuli.images(own), strict=True)


def _by_category(
    counted: Detectors, concepts: Concepts
) -> Iterator[tuple[str, NDArray[np.integer], NDArray[np.integer]]]:
    """Unique detectors and detecting units of each category and of all."""
    for number, name in enumerate(concepts.categories):
        yield name, counted.unique[..., number], counted.units[..., number]
    yield ALL, counted.unique.sum(axis=-1), counted.detecting


def _interval(value: float, drawn: NDArray[np.floating]) -> tuple[float, float]:
    """Ends of the bootstrap interval: the value plus how far resamples lie from their own mean; NaN without any.

    Resampling adds noise, and of many concepts some best one exceeds the minimum the sooner the more noise there is, so
    that resamples count more detectors than the images themselves do. Their spread is what they tell. Of skewed counts
    near 0 the interval is stretched to hold the value itself, and no end is below 0.
    """
    if not len(drawn):
        return np.nan, np.nan
    low, high = value + np.quantile(drawn, INTERVAL) - drawn.mean()
    return max(0.0, min(value, float(low))), max(value, float(high))
