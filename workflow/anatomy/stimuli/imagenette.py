"""Imagenette (ten ImageNet categories): downloaded, or unpacked from an archive placed by hand.

The folder it leaves has ImageNet's layout and is read by `anatomy.stimuli.folder`. Everything is
unpacked under a partial name and renamed when it is whole, so an interrupted download is never
taken for a finished one.
"""

import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path

from anatomy.archives import staging, stays_inside
from anatomy.errors import InputError

# size -> archive and its MD5, as torchvision.datasets.Imagenette has them
ARCHIVES = {
    "full": ("imagenette2.tgz", "fe2fc210e6bb7c5664d602c3cd71e612"),
    "320px": ("imagenette2-320.tgz", "3df6f0d01a2c9592104656642f5e78a3"),
    "160px": ("imagenette2-160.tgz", "e793b78cc4c9e9a4ccc0c1155377a412"),
}
IMAGES = {"train": 9469, "val": 3925}
SOURCE = "https://github.com/fastai/imagenette"


def provide(root: Path, size: str) -> Path:
    """The folder with Imagenette's `train` and `val`, made if it is absent.

    An archive in `root` (its name is in `ARCHIVES`) is unpacked; without one it is downloaded
    through torchvision.

    Parameters
    ----------
    root : folder to keep Imagenette in
    size : shorter side of the images: `full`, `320px` or `160px`

    Raises
    ------
    InputError
        if the download fails, or the archive or the folder is not whole; `root` is then as it was
    """
    if size not in ARCHIVES:
        raise InputError(f"imagenette: size {size!r} is unknown; known are {', '.join(ARCHIVES)}")
    root = Path(root)
    name, md5 = ARCHIVES[size]
    folder = root / Path(name).stem
    if not folder.exists():
        with staging(root / f".{folder.name}.partial") as partial:
            if (root / name).exists():
                _unpack(root / name, md5, partial)
            else:
                _download(partial, size)
            (partial / folder.name).rename(folder)
    _check_whole(folder)
    return folder


def _download(root: Path, size: str) -> None:
    # not needed, and slow to import, where the images are already there
    from torchvision.datasets import Imagenette

    name = ARCHIVES[size][0]
    try:
        Imagenette(root, split="train", size=size, download=True)
    except (OSError, RuntimeError, tarfile.TarError, EOFError) as error:
        raise InputError(
            f"imagenette: {name} could not be downloaded ({error}); nothing was changed; "
            f"to go on without a network, get {name} from {SOURCE}, put it into {root.parent} and "
            "run again"
        ) from error


def _unpack(archive: Path, md5: str, root: Path) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != md5:
        raise InputError(f"{archive}: is damaged or cut short (MD5 {found}, expected {md5})")
    try:
        with tarfile.open(archive) as tar:
            members = tar.getmembers()
            _check_members(archive, members)
            tar.extractall(root, members)
    except InputError:
        raise
    except Exception as error:  # of half a dozen types
        raise InputError(f"{archive}: cannot be unpacked ({error})") from error


def _check_members(archive: Path, members: Sequence[tarfile.TarInfo]) -> None:
    """Refuse what could be written outside the folder; tarfile's own filter is not in every Python 3.11."""
    for member in members:
        if not stays_inside(member.name) or not (member.isfile() or member.isdir()):
            raise InputError(
                f"{archive}: cannot be unpacked ({member.name} is not a file or folder inside it)"
            )


def _check_whole(folder: Path) -> None:
    for split, expected in IMAGES.items():
        found = sum(1 for _ in (folder / split).glob("*/*.JPEG"))
        if found != expected:
            raise InputError(
                f"{folder / split}: holds {found} of {expected} images, perhaps from an "
                f"unpacking that was interrupted; remove {folder} and run again"
            )
