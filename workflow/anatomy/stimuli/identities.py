"""The stimuli of the identity task: several views of each of many faces and houses, drawn or made from photographs."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anatomy.errors import InputError
from anatomy.randomness import generator
from anatomy.stimuli.folder import EXTENSIONS
from anatomy.stimuli.identity_folders import identity_folders, numbers
from anatomy.stimuli.images import decode, without_colour
from anatomy.stimuli.stimulus_set import Item, StimulusSet
from anatomy.stimuli.toybox.render import render_identity
from anatomy.stimuli.toybox.vocabulary import IDENTITY_KINDS as KINDS

SPLITS = ("training", "test")
# Number of a toybox split's first identity: more identities of one split leave those of the other as they are
FIRST_IDENTITY = {"training": 0, "test": 100_000}

# What a view that is made from a photograph may differ in; lighting as much as the toybox's
SHARE_OF_SIDE = (0.8, 1.0)
GAIN = (0.75, 1.3)
LOG_GAMMA = (-0.35, 0.35)

Load = Callable[[Item], NDArray[np.uint8]]


@dataclass(frozen=True)
class Change:
    """How a view is made from a photograph.

    Attributes
    ----------
    share : side of the part that is cut out, as a share of the side of the square photograph
    left, top : place of the part, as shares of what remains of the side
    mirrored : whether left and right are exchanged
    gain, gamma : pixels between 0 and 1 become gain x pixel^gamma, the same in all channels
    """

    share: float
    left: float
    top: float
    mirrored: bool
    gain: float
    gamma: float

    @classmethod
    def draw(cls, random: np.random.Generator) -> "Change":
        """A change at random."""
        share, left, top = random.uniform(*SHARE_OF_SIDE), *random.uniform(size=2)
        mirrored = bool(random.integers(2))
        return cls(
            share, left, top, mirrored, random.uniform(*GAIN), np.exp(random.uniform(*LOG_GAMMA))
        )

    def apply(self, photograph: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """The view, uint8 (size, size, 3), of a square photograph, uint8 (y, x, 3)."""
        side = round(self.share * len(photograph))
        left, top = (round(place * (len(photograph) - side)) for place in (self.left, self.top))
        part = Image.fromarray(photograph).resize(
            (size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
        )
        pixels = np.asarray(part)[:, ::-1] if self.mirrored else np.asarray(part)
        lit = self.gain * (np.arange(256) / 255) ** self.gamma
        return np.rint(255 * lit).clip(0, 255).astype(np.uint8)[pixels]

    def __str__(self) -> str:
        """For the table of the stimulus set."""
        mirrored = ", mirrored" if self.mirrored else ""
        return (
            f"{self.share:.0%} of the side at {self.left:.2f}, {self.top:.2f}{mirrored}, "
            f"gain {self.gain:.2f}, gamma {self.gamma:.2f}"
        )


@dataclass(frozen=True)
class View:
    """A view of an identity: a photograph (relative to the folder), or what is made from it."""

    photograph: PurePosixPath
    change: Change | None = None


@dataclass(frozen=True)
class PhotographedIdentities:
    """Views of photographed identities.

    Attributes
    ----------
    items : ordered by split, kind, identity and view
    views : of each item, by image_id
    """

    items: list[Item]
    views: dict[str, View]

    @property
    def notes(self) -> list[str]:
        """Lines for the log: how many views of each kind are made from others."""
        changed = Counter(i.category for i in self.items if self.views[i.image_id].change)
        return [f"{kind}: {number} views are made from others" for kind, number in changed.items()]

    def load(self, root: Path, resize: int, size: int, grey: bool) -> Load:
        """From an item to its image, uint8 (size, size, 3), without its colours where `grey`.

        A photograph is decoded as for any network (`images.decode`). A changed view is cut from the square at its
        centre, whose side is `resize`.
        """

        def load(item: Item) -> NDArray[np.uint8]:
            view = self.views[item.image_id]
            shown = decode(root / view.photograph, resize, resize if view.change else size)
            if view.change is not None:
                shown = view.change.apply(shown, size)
            return without_colour(shown) if grey else shown

        return load


def toybox_identities(
    identities: Mapping[str, int], views: int, seed: int, size: int
) -> tuple[list[Item], Load]:
    """Toys: so many identities of each kind for each split, each in so many views, and what draws them."""
    items = [
        Item(
            image_id=f"{kind}/{FIRST_IDENTITY[split] + number:06d}/{view:03d}",
            category=kind,
            name=f"{kind} {FIRST_IDENTITY[split] + number}",
            super_category=kind,
            split=split,
            source=f"toybox, seed {seed}",
        )
        for split in SPLITS
        for kind in KINDS
        for number in range(identities[split])
        for view in range(views)
    ]

    def load(item: Item) -> NDArray[np.uint8]:
        kind, identity, view = item.image_id.split("/")
        return render_identity(kind, int(identity), int(view), seed, size)

    return items, load


def photographed_identities(
    root: Path, test_share: float, views: int, seed: int
) -> PhotographedIdentities:
    """Views of the identities in a folder `<kind>/<identity>/*`, kinds face and house.

    An identity with at least so many photographs shows some of them, drawn at random. One with fewer shows all of
    them, and after them views made from each in turn, by cutting, mirroring and lighting: functions of seed, identity
    and view alone.

    Parameters
    ----------
    test_share : share of the identities of each kind that are for the test, drawn at random; the others are for
        training

    Raises
    ------
    InputError
        if the folder of a kind or an identity is absent or without images, or a split gets fewer than two identities
        of a kind
    """
    items, made = [], {}
    for split, kind, identity in _identities(root, test_share, seed):
        folder = PurePosixPath(kind, identity)
        files = image_files(root / folder)
        shown = _views(folder, files, views, (seed, "views", kind, identity))
        for number, view in enumerate(shown):
            image_id = f"{folder}/{number:03d}"
            made[image_id] = view
            items.append(
                Item(
                    image_id=image_id,
                    category=kind,
                    name=identity,
                    super_category=kind,
                    split=split,
                    source=": ".join(str(part) for part in (view.photograph, view.change) if part),
                )
            )
    return PhotographedIdentities(items, made)


def image_files(folder: Path) -> list[str]:
    """Sorted names of the image files in a folder, hidden ones passed over; InputError if there is none."""
    _check_folder(folder)
    names = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name.lower().endswith(EXTENSIONS) and not entry.name.startswith(".")
    )
    if not names:
        raise InputError(f"{folder}: holds no image")
    return names


def colour_difference(stimuli: StimulusSet, block: int = 64) -> str | None:
    """A line for the log where one kind is in colour more often than the other, which units could tell instead."""
    coloured = np.zeros(len(stimuli.table), bool)
    for start in range(0, len(coloured), block):
        images = stimuli.images(slice(start, start + block))
        coloured[start : start + block] = np.ptp(images, axis=3).any(axis=(1, 2))
    shares = [float(coloured[stimuli.table["super_category"] == kind].mean()) for kind in KINDS]
    if shares[0] == shares[1]:
        return None
    return (
        f"{shares[0]:.0%} of the faces and {shares[1]:.0%} of the houses are in colour: units that tell colour from "
        "grey may pass for selective; with `grey` all are shown without colour"
    )


def _identities(root: Path, test_share: float, seed: int) -> list[tuple[str, str, str]]:
    """Split, kind and name of each identity, in that order."""
    found = []
    for kind in KINDS:
        names = identity_folders(root / kind)
        try:
            _, tested = numbers(len(names), test_share)
        except InputError as error:
            raise InputError(f"{root / kind}: {error}") from None
        drawn = generator(seed, "identities", kind).permutation(len(names))
        test = {names[place] for place in drawn[:tested]}
        found += [(SPLITS[name in test], kind, name) for name in names]
    return sorted(found, key=lambda own: SPLITS.index(own[0]))


def _views(
    folder: PurePosixPath, files: list[str], views: int, purpose: tuple[object, ...]
) -> list[View]:
    photographs = [View(folder / file) for file in files]
    if len(files) >= views:
        drawn = generator(*purpose).permutation(len(files))[:views]
        return [photographs[place] for place in sorted(drawn)]
    made = [
        View(folder / files[view % len(files)], Change.draw(generator(*purpose, view)))
        for view in range(len(files), views)
    ]
    return photographs + made


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
