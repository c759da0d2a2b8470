"""A zip archive is unpacked whole and inside its folder, or nothing is left of it."""

import stat
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from anatomy import archives
from anatomy.archives import unpack_zip
from anatomy.errors import InputError

FILES = {
    "broden1_224/index.csv": b"image,split\n",
    "broden1_224/images/dtd/x.jpg": bytes(range(256)) * 20,
    "broden1_224/README.txt": b"text" * 500,
}


def packed(path: Path, members=FILES, compression=zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for member, data in members.items() if isinstance(members, dict) else members:
            zipped.writestr(member, data)
    return path


def contents(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def refused(tmp_path: Path, archive: Path, message: str) -> None:
    """Unpacking fails with the message and leaves no trace."""
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=message):
        unpack_zip(archive, tmp_path / "data" / "broden")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_everything_is_unpacked(tmp_path, compression):
    archive = packed(tmp_path / "broden.zip", {"broden1_224/": b"", **FILES}, compression)
    folder = tmp_path / "data" / "broden"
    seen = []
    found = unpack_zip(archive, folder, lambda done, total: seen.append((done, total)))
    assert found == folder / "broden1_224"
    assert contents(folder) == FILES
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [path.name for path in folder.parent.iterdir()] == ["broden"]


@pytest.mark.parametrize(
    ("top", "wanted"), [("", "."), ("broden1_384/", "broden1_384"), ("a/b/", "a/b")]
)
def test_the_index_may_lie_anywhere(tmp_path, top, wanted):
    others = {"__MACOSX/._index.csv": b"", f"{top}images/index.csv.txt": b""}
    archive = packed(tmp_path / "x.zip", {f"{top}index.csv": b"", **others})
    folder = tmp_path / "broden"
    folder.mkdir()  # empty, as good as none
    assert unpack_zip(archive, folder) == folder / wanted
    assert (folder / wanted / "index.csv").is_file()


def test_there_must_be_one_index(tmp_path):
    archive = packed(tmp_path / "x.zip", {"a/image.jpg": b""})
    refused(tmp_path, archive, r"x\.zip: holds no index\.csv")
    archive = packed(tmp_path / "x.zip", {"a/index.csv": b"", "b/index.csv": b""})
    refused(tmp_path, archive, r"x\.zip: holds a/index\.csv, b/index\.csv, but there must be one")


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "a/../../outside", "a\\..\\outside", "C:\\outside"]
)
def test_members_outside_the_folder_are_refused(tmp_path, name):
    archive = packed(tmp_path / "x.zip", FILES | {name: b"bad"})
    refused(tmp_path, archive, r"x\.zip: cannot be unpacked \(.*outside is not a file or folder")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    member = zipfile.ZipInfo("broden1_224/link")
    member.create_system, member.external_attr = 3, (kind | 0o777) << 16
    archive = packed(tmp_path / "x.zip", [*FILES.items(), (member, b"../../outside")])
    refused(tmp_path, archive, r"x\.zip: cannot be unpacked \(broden1_224/link is not a file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_would_replace_another_is_refused(tmp_path):
    archive = packed(tmp_path / "x.zip", [*FILES.items(), ("broden1_224/./README.txt", b"other")])
    refused(tmp_path, archive, r"\(broden1_224/\./README\.txt is in it twice\)")
    members = [*FILES.items(), ("broden1_224/README.txt/x", b"")]
    refused(tmp_path, packed(tmp_path / "x.zip", members), r"x\.zip: broden1_224/README\.txt/x")


def test_what_is_no_whole_archive_is_refused(tmp_path):
    archive = packed(tmp_path / "x.zip")
    data = archive.read_bytes()
    archive.write_bytes(data[:-30])
    refused(tmp_path, archive, r"x\.zip: is not a whole zip archive")
    archive.write_bytes(b"<html>not found</html>")
    refused(tmp_path, archive, r"x\.zip: is not a whole zip archive")
    archive.unlink()
    refused(tmp_path, archive, r"x\.zip: cannot be read \(No such file or directory\)")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_named(tmp_path, compression):
    archive = packed(tmp_path / "x.zip", FILES, compression)
    with zipfile.ZipFile(archive) as zipped:
        member = zipped.getinfo("broden1_224/images/dtd/x.jpg")
    start = member.header_offset + 30 + len(member.filename)
    whole = archive.read_bytes()
    for place in range(start, start + member.compress_size, 37):
        data = bytearray(whole)
        data[place] ^= 4
        archive.write_bytes(data)
        refused(tmp_path, archive, r"x\.zip: broden1_224/images/dtd/x\.jpg cannot be unpacked")


def test_an_encrypted_member_is_named(tmp_path):
    archive = packed(tmp_path / "x.zip", {"index.csv": b"text"}, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    refused(tmp_path, archive, r"x\.zip: index\.csv cannot be unpacked \(.*encrypted")


def test_a_disk_that_is_too_full_is_noticed_before_anything_is_written(tmp_path, monkeypatch):
    archive = packed(tmp_path / "x.zip")
    usage = namedtuple("usage", "free")
    # three files of 12, 5120 and 2000 bytes take 4 blocks of 4096
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage(4 * 4096 - 1))
    monkeypatch.setattr(zipfile.ZipFile, "extract", lambda *_: pytest.fail("written"))
    refused(tmp_path, archive, r"x\.zip: takes 0\.0 GB unpacked, but .*data has 0\.0 GB free")
    monkeypatch.undo()
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage(4 * 4096))
    assert contents(unpack_zip(archive, tmp_path / "data" / "broden").parent) == FILES


def test_an_interrupted_attempt_is_not_taken_for_a_finished_one(tmp_path):
    archive = packed(tmp_path / "x.zip")
    left = tmp_path / ".broden.partial" / "broden" / "broden1_224" / "half.jpg"
    left.parent.mkdir(parents=True)
    left.touch()
    unpack_zip(archive, tmp_path / "broden")
    assert contents(tmp_path / "broden") == FILES
    assert not left.exists()


def test_what_is_there_already_is_not_touched(tmp_path):
    archive = packed(tmp_path / "x.zip")
    (tmp_path / "data" / "broden").mkdir(parents=True)
    (tmp_path / "data" / "broden" / "mine").touch()
    refused(tmp_path, archive, r"broden: exists and is not an empty folder")
