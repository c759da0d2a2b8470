"""The stimuli of a functional localizer: images of faces, of houses and of other things, from folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from anatomy.errors import InputError
from anatomy.randomness import generator
from anatomy.stimuli.identities import image_files
from anatomy.stimuli.stimulus_set import Item

SPLIT = "localizer"
OTHER = "other"


def localizer_items(
    root: Path, kinds: Mapping[str, Sequence[str]], images: int | None, seed: int
) -> list[Item]:
    """Images of the folders of each kind, ordered by kind, folder and file.

    Parameters
    ----------
    root : holds the folders
    kinds : face, house or other -> its folders
    images : of each folder, drawn at random; null: all

    Raises
    ------
    InputError
        if a folder is absent, holds too few images, or belongs to two kinds
    """
    folders = [folder for own in kinds.values() for folder in own]
    for folder in folders:
        if folders.count(folder) > 1:
            raise InputError(f"kinds: folder {folder!r} of the localizer is named twice")
    return [
        Item(
            image_id=f"{folder}/{file}",
            category=folder,
            name=folder,
            super_category=kind,
            split=SPLIT,
            source=f"{folder}/{file}",
        )
        for kind, own in kinds.items()
        for folder in own
        for file in _drawn(root / folder, images, (seed, "localizer", folder))
    ]


def _drawn(folder: Path, images: int | None, purpose: tuple[object, ...]) -> list[str]:
    files = image_files(folder)
    if images is None:
        return files
    if len(files) < images:
        raise InputError(f"{folder}: holds {len(files)} images, {images} are asked for")
    drawn = generator(*purpose).permutation(len(files))[:images]
    return [files[place] for place in sorted(drawn)]
