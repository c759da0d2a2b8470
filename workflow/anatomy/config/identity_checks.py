"""Checks of the identity task against the world: folders, numbers of identities and pairs, sizes of images."""

from math import comb
from pathlib import Path

from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.identity import FolderIdentities, Identities, Identity, Localizer
from anatomy.errors import InputError
from anatomy.stimuli.toybox.vocabulary import IDENTITY_KINDS as KINDS

# of each kind, and of each split
FEWEST_IDENTITIES = 2
# halves of the pairs that are of one kind and of one answer
CONDITIONS = 4


def check_identities(identities: Identities) -> None:
    """Check that the folders of faces and houses are there, with enough identities in them."""
    if not isinstance(identities, FolderIdentities):
        return
    _check_photographs("identities", identities.resize, identities.image_size)
    for kind in KINDS:
        found = len(_folders("identities.folder", Path(identities.folder) / kind))
        tested = round(identities.test_share * found)
        if min(tested, found - tested) < FEWEST_IDENTITIES:
            raise InputError(
                f"configuration: identities.test_share = {identities.test_share} leaves {tested} of {found} identities "
                f"in {identities.folder}/{kind} for the test; at least {FEWEST_IDENTITIES} are needed for the test and "
                "for training"
            )


def check_identity(configuration: Configuration, identity: Identity) -> None:
    """Check the layers, the sizes of images, and that there are as many pairs as are asked for."""
    identities = configuration.identities
    sizes = {"identities": identities.image_size}
    if identity.localizer is not None:
        _check_localizer(identity.localizer)
        sizes["identity.localizer"] = identity.localizer.image_size
    for name in resolution.networks_of(configuration, identity):
        resolution.lesioned_and_read(configuration, name, identity)
        needed = resolution.preprocessing(configuration, name)["input_size"]
        for key, given in sizes.items():
            if given < needed:
                raise InputError(
                    f"configuration: {key}.image_size = {given} is smaller than the input of network {name!r} "
                    f"({needed}), to which the identity task shows it"
                )
    for kind in KINDS:
        training, test = _numbers(identities, kind)
        if training < FEWEST_IDENTITIES * identity.folds:
            raise InputError(
                f"configuration: identity.folds = {identity.folds} needs at least {FEWEST_IDENTITIES} identities of "
                f"each kind in every fold, but there are {training} of kind {kind} to train with"
            )
        for split, number in (("training", training), ("test", test)):
            asked = getattr(identity, f"{split}_pairs") // CONDITIONS
            possible = number * comb(identities.views, 2)
            if asked > possible:
                raise InputError(
                    f"configuration: identity.{split}_pairs asks for {asked} pairs of the same {kind}, but {number} "
                    f"identities in {identities.views} views make {possible}"
                )


def _check_localizer(localizer: Localizer) -> None:
    key = "identity.localizer"
    _check_photographs(key, localizer.resize, localizer.image_size)
    kinds = localizer.kinds
    folders = [*kinds.face, *kinds.house, *kinds.other]
    for folder in folders:
        if folders.count(folder) > 1:
            raise InputError(f"configuration: {key}.kinds: folder {folder!r} is named twice")
        if not (Path(localizer.folder) / folder).is_dir():
            raise InputError(
                f"configuration: {key}.kinds: there is no folder {Path(localizer.folder) / folder}"
            )


def _check_photographs(key: str, resize: int, image_size: int) -> None:
    if resize < image_size:
        raise InputError(
            f"configuration: {key}.resize = {resize} is smaller than image_size = {image_size}"
        )


def _numbers(identities: Identities, kind: str) -> tuple[int, int]:
    """Identities of a kind for training and for the test."""
    if not isinstance(identities, FolderIdentities):
        return identities.identities.training, identities.identities.test
    found = len(_folders("identities.folder", Path(identities.folder) / kind))
    tested = round(identities.test_share * found)
    return found - tested, tested


def _folders(key: str, folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"configuration: {key}: there is no folder {folder}")
    return [e.name for e in folder.iterdir() if e.is_dir() and not e.name.startswith(".")]
