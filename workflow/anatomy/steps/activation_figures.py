"""Step: figures of what units respond to: maps of all channels, top images, and the parts that units need."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from anatomy.activation_maps import ActivationMaps
from anatomy.figures.activations import (
    Picture,
    ShownImage,
    channel_grids,
    shown_top_images,
    top_images,
)
from anatomy.figures.occlusion import needed_parts, shown_units
from anatomy.figures.style import save
from anatomy.steps.step import Job, run_step
from anatomy.stimuli.stimulus_set import StimulusSet

# maps need their pixels; thumbnails of pictures would only make the report large
MAPS_DPI, PICTURES_DPI = 140, 100


def main(job: Job) -> None:
    """Draw two figures of each layer, and one of all."""
    folder = job.path("folder")
    folder.mkdir(parents=True, exist_ok=True)
    stimuli = StimulusSet.beside(job.path("stimuli"))
    maps = ActivationMaps(job.path("maps"), stimuli)
    channels = pd.read_csv(job.path("channels"))
    features = _features(job.paths("features"))
    top = pd.read_parquet(job.path("top_images"))
    for layer, own in channels.groupby("layer", sort=False):
        images = _images(maps, layer, own, stimuli.table["name"])
        save(channel_grids(layer, images), folder / f"{layer}_channels.png", MAPS_DPI)
    for layer, own in top.groupby("layer", sort=False):
        pictures = _pictures(maps, layer, shown_top_images(own)["image"])
        figure = top_images(own, pictures, features.get(layer, {}))
        save(figure, folder / f"{layer}_top_images.png", PICTURES_DPI)
    for path in job.paths("occlusion"):
        table = pd.read_parquet(path)
        pictures = _pictures(maps, channels["layer"].iloc[0], shown_units(table)["image"])
        save(needed_parts(table, pictures), folder / "occlusion.png", MAPS_DPI)


def _images(
    maps: ActivationMaps, layer: str, channels: pd.DataFrame, names: pd.Series
) -> list[ShownImage]:
    """The chosen images with the maps of a layer."""
    strongest = channels[channels["rank"] == 0].set_index("image")["unit"]
    pictures = maps.pictures(layer, maps.rows)
    return [
        ShownImage(names[row], picture, maps.maps(layer, place), strongest[row])
        for place, (row, picture) in enumerate(zip(maps.rows, pictures, strict=True))
    ]


def _pictures(maps: ActivationMaps, layer: str, rows: Iterable[int]) -> dict[int, Picture]:
    """Images by row of the stimulus set."""
    chosen = np.unique([*rows])
    return dict(zip(chosen.tolist(), maps.pictures(layer, chosen), strict=True))


def _features(paths: Sequence[Path]) -> dict[str, dict[int, bytes]]:
    """Layer -> unit -> picture of what excites it."""
    tables = [pd.read_parquet(path, columns=["layer", "unit", "picture"]) for path in paths]
    return {
        layer: dict(zip(own["unit"], own["picture"], strict=True))
        for table in tables
        for layer, own in table.groupby("layer")
    }


if __name__ == "__main__":
    run_step(
        main,
        inputs=["maps", "channels", "stimuli", "top_images", "occlusion", "features"],
        outputs=["folder"],
    )
