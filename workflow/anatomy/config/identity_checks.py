"""Checks of the identity task against the world: folders, numbers of identities and pairs, sizes of images."""

from math import ceil, comb
from pathlib import Path

from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.identity import FolderIdentities, Identities, Identity, Localizer
from anatomy.errors import InputError
from anatomy.stimuli.identity_folders import FEWEST_IDENTITIES, identity_folders, numbers
from anatomy.stimuli.toybox.vocabulary import IDENTITY_KINDS as KINDS

# halves of the pairs that are of one kind and of one answer
CONDITIONS = 4


def check_identities(identities: Identities) -> None:
    """Check that the folders of faces and houses are there, with enough identities in them."""
    if not isinstance(identities, FolderIdentities):
        return
    _check_photographs("identities", identities.resize, identities.image_size)
    for kind in KINDS:
        _numbers(identities, kind)


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
        _check_pairs(
            "training", kind, identity.training_pairs, training, identities.views, identity.folds
        )
        _check_pairs("test", kind, identity.test_pairs, test, identities.views, 1)


def _check_pairs(split: str, kind: str, pairs: int, number: int, views: int, folds: int) -> None:
    """Check that each fold has its share of pairs: same ones of its identities' views, and different ones."""
    key = f"configuration: identity.{split}_pairs = {pairs}"
    asked = pairs // CONDITIONS
    if asked < folds:
        raise InputError(
            f"{key} are too few for {folds} folds; at least {CONDITIONS * folds} are needed"
        )
    share, smallest = ceil(asked / folds), number // folds
    for relation, possible in (
        ("the same", smallest * comb(views, 2)),
        ("different", comb(smallest, 2) * views**2),
    ):
        if share > possible:
            place = f" in each of {folds} folds" if folds > 1 else ""
            raise InputError(
                f"{key} asks for {share} pairs of {relation} {kind}s{place}, but {smallest} identities in {views} "
                f"views make {possible}"
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
    folder = Path(identities.folder) / kind
    try:
        return numbers(len(identity_folders(folder)), identities.test_share)
    except InputError as error:
        raise InputError(f"configuration: identities.folder: {error} (kind {kind})") from None
