"""Unpacking archives that someone else made: nothing outside the folder, and whole or not at all."""

import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from anatomy.errors import InputError

INDEX = "index.csv"
# what a file takes on disk is a multiple of this on the usual file systems
FILE_BLOCK = 4096
# images and label images are packed already; what unpacks to so many times its size is made to fill a disk
LARGEST_RATIO = 200


@contextmanager
def staging(partial: Path) -> Iterator[Path]:
    """An empty folder, gone afterwards, and with it the parents made for it that stay empty."""
    made = [parent for parent in partial.parents if not parent.exists()]
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial)
        for parent in made:
            with suppress(OSError):
                parent.rmdir()


def stays_inside(name: str) -> bool:
    """Whether a member of that name is unpacked inside the folder it is unpacked to."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def unpack_zip(
    archive: Path, folder: Path, progress: Callable[[int, int], object] | None = None
) -> Path:
    """Unpack a zip archive of a data set that has one `index.csv`.

    Everything is unpacked under a partial name and renamed when it is whole.

    Parameters
    ----------
    archive : the zip file
    folder : folder to unpack to; it must not exist, or be empty
    progress : called with the numbers of files unpacked and in all

    Returns
    -------
    the folder that holds `index.csv`, `folder` itself or one in it

    Raises
    ------
    InputError
        naming the archive and the member, if it is damaged, does not fit the disk, or would be written elsewhere than
        in the folder; nothing is left then
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder}: exists and is not an empty folder")
    with _opened(archive) as opened, staging(folder.with_name(f".{folder.name}.partial")) as root:
        members = opened.infolist()
        _check_members(archive, members)
        index = _index(archive, members)
        _check_space(archive, members, root)
        whole = root / folder.name
        whole.mkdir()
        files = [member for member in members if not member.is_dir()]
        for done, member in enumerate(files, start=1):
            _extract(archive, opened, member, whole)
            if progress is not None:
                progress(done, len(files))
        if folder.exists():
            folder.rmdir()
        whole.rename(folder)
    return folder / index.parent


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except OSError as error:
        raise InputError(f"{archive}: cannot be read ({error.strerror})") from error
    except Exception as error:  # of half a dozen types
        raise InputError(f"{archive}: is not a whole zip archive ({error})") from error


def _check_members(archive: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    seen: set[PurePosixPath] = set()
    for member in members:
        name = member.filename
        kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was packed without one
        # backslashes separate folders on some systems
        usual = kind in (0, stat.S_IFREG, stat.S_IFDIR)
        if not name or not stays_inside(name) or "\\" in name or not usual:
            raise InputError(
                f"{archive}: cannot be unpacked ({name or repr(name)} is not a file or folder inside it)"
            )
        path = PurePosixPath(name)
        if path in seen:
            raise InputError(f"{archive}: cannot be unpacked ({name} is in it twice)")
        seen.add(path)


def _index(archive: Path, members: Sequence[zipfile.ZipInfo]) -> PurePosixPath:
    paths = [PurePosixPath(member.filename) for member in members if not member.is_dir()]
    found = [path for path in paths if path.name == INDEX]
    if len(found) != 1:
        names = f"holds {', '.join(map(str, found))}" if found else f"holds no {INDEX}"
        raise InputError(f"{archive}: {names}, but there must be one {INDEX}")
    return found[0]


def _check_space(archive: Path, members: Sequence[zipfile.ZipInfo], root: Path) -> None:
    ratio = sum(member.file_size for member in members) / archive.stat().st_size
    if ratio > LARGEST_RATIO:
        raise InputError(
            f"{archive}: would take {ratio:.0f} times its size unpacked, which no set of images does"
        )
    wanted = sum(-(-member.file_size // FILE_BLOCK) * FILE_BLOCK for member in members)
    free = shutil.disk_usage(root).free
    if wanted > free:
        raise InputError(
            f"{archive}: takes {wanted / 1e9:.1f} GB unpacked, but {root.parent} has {free / 1e9:.1f} GB free"
        )


def _extract(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    try:
        opened.extract(member, folder)
    # encrypted, packed in a way that Python does not know, or damaged, which has an error of its own in every packing
    except Exception as error:
        raise InputError(f"{archive}: {member.filename} cannot be unpacked ({error})") from error
