"""Folders of photographed identities: face/IDENTITY/* and house/IDENTITY/*. Needs no image library."""

from pathlib import Path

from anatomy.errors import InputError

# of each kind, for training as well as for the test
FEWEST_IDENTITIES = 2


def identity_folders(kind_folder: Path) -> list[str]:
    """Names of the identities in the folder of a kind, sorted; InputError if it is absent."""
    if not kind_folder.is_dir():
        raise InputError(f"there is no folder {kind_folder}")
    return sorted(
        entry.name
        for entry in kind_folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )


def numbers(identities: int, test_share: float) -> tuple[int, int]:
    """How many of so many identities are for training, and how many for the test.

    Raises
    ------
    InputError
        if either is less than FEWEST_IDENTITIES
    """
    tested = round(test_share * identities)
    if min(tested, identities - tested) < FEWEST_IDENTITIES:
        raise InputError(
            f"test_share = {test_share} of {identities} identities leaves {identities - tested} for training and "
            f"{tested} for the test; at least {FEWEST_IDENTITIES} are needed for each"
        )
    return identities - tested, tested
