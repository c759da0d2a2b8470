"""An archive of any kind is unpacked whole and inside its folder, or refused by name without a trace."""

import hashlib
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from properties import changed_bytes, examples, read_or_refused

from anatomy.archives import unpack_zip
from anatomy.stimuli import imagenette

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name", "ignore:.*filter")

NAMES = st.lists(
    st.sampled_from(["..", ".", "", "a", "b", "index.csv", "C:", "a\\b", "x" * 255, "é", " ", "~"]),
    min_size=1,
    max_size=4,
).map("/".join) | st.text(min_size=1, max_size=6)
KINDS = st.sampled_from([0, *[stat.S_IFREG] * 5, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR])
PACKINGS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
FILES = {
    "set/index.csv": b"image,split\n" * 9,
    "set/images/x.png": bytes(range(256)),
    "set/é": b"x",
}


def zipped(members, packing=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, kind, content in members:
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, (kind | 0o644) << 16
            archive.writestr(member, content, packing)
    return buffer.getvalue()


def everything(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def unpacked(place, data):
    """The files that an archive gives; None where it is refused, and then nothing is left of it."""
    archive = place / "set.zip"
    archive.write_bytes(data)
    before = everything(place)
    found = read_or_refused(lambda: unpack_zip(archive, place / "out" / "set"), archive)
    if found is None:
        assert everything(place) == before
        return None
    after = everything(place)
    inside = [path for path in after if path not in before and path != Path("out")]
    assert all(path.parts[:2] == ("out", "set") for path in inside)
    assert not any(path.is_symlink() for path in place.rglob("*"))
    assert (found / "index.csv").is_file()
    return {
        str(path.relative_to("out/set")): own
        for path, own in after.items()
        if path in inside and own is not None
    }


@pytest.fixture
def place(tmp_path):
    """A new folder for every example, in one that would show what is written beside it."""
    numbers = iter(range(10**9))

    def new():
        folder = tmp_path / "around" / str(next(numbers))
        folder.mkdir(parents=True)
        return folder

    return new


@examples(30)
@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused(place, data):
    assert unpacked(place(), data) is None
    assert unpacked(place(), b"PK\x03\x04" + data) is None


@pytest.mark.parametrize("packing", PACKINGS)
@examples(30)
@given(data=st.data())
def test_a_changed_archive_gives_what_was_packed_or_nothing(place, packing, data):
    """Its contents are under checksums. Its names are not."""
    whole = zipped([(name, stat.S_IFREG, content) for name, content in FILES.items()], packing)
    found = unpacked(place(), changed_bytes(whole, data))
    if found is not None:
        assert set(found.values()) <= set(FILES.values())


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_is_read(place, packing):
    whole = zipped([(name, stat.S_IFREG, content) for name, content in FILES.items()], packing)
    assert unpacked(place(), whole) == FILES


@examples(80)
@given(st.lists(st.tuples(NAMES, KINDS, st.binary(max_size=9)), max_size=4), st.booleans())
@example([("", 0, b"")], True)
@example([("../x", 0, b"")], True)
@example([("/x", 0, b"")], True)
@example([("x", stat.S_IFLNK, b"../..")], True)
def test_members_of_any_name_stay_inside(place, members, index):
    if index:
        members = [*members, ("set/index.csv", stat.S_IFREG, b"image\n")]
    unpacked(place(), zipped(members))


def test_a_bomb_is_refused_before_anything_is_written(place):
    whole = zipped([("index.csv", 0, b"image\n"), ("zeros", 0, bytes(30_000_000))])
    assert len(whole) < 50_000
    folder = place()
    assert unpacked(folder, whole) is None


# --- Imagenette's


def tarred(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content) if kind == tarfile.REGTYPE else 0
            member.linkname = "../.."
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def provided(place, data, monkeypatch):
    """The folder of Imagenette from an archive that has the right digest; None where it is refused."""
    name = "imagenette2-160.tgz"
    (place / name).write_bytes(data)
    before = everything(place)
    with monkeypatch.context() as patch:
        patch.setitem(imagenette.ARCHIVES, "160px", (name, hashlib.md5(data).hexdigest()))
        patch.setattr(imagenette, "IMAGES", {"train": 1, "val": 1})
        found = read_or_refused(lambda: imagenette.provide(place, "160px"), place, name)
    folder = place / "imagenette2-160"
    extra = {path for path in everything(place) if path not in before}
    assert all(path.parts[0] == folder.name for path in extra)
    assert not any(path.is_symlink() for path in place.rglob("*"))
    return found


TRAIN, VAL = "imagenette2-160/train/n1/a.JPEG", "imagenette2-160/val/n1/b.JPEG"
WHOLE = [(TRAIN, tarfile.REGTYPE, b"image" * 9), (VAL, tarfile.REGTYPE, b"other")]
TAR_KINDS = st.sampled_from(
    [*[tarfile.REGTYPE] * 4, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
)


def test_the_whole_archive_is_provided(place, monkeypatch):
    assert provided(place(), tarred(WHOLE), monkeypatch) is not None


@examples(30)
@given(data=st.data())
def test_a_changed_tar_is_provided_or_refused(place, monkeypatch, data):
    """Also where its digest is right, which alone would tell."""
    provided(place(), changed_bytes(tarred(WHOLE), data), monkeypatch)


@examples(30)
@given(members=st.lists(st.tuples(NAMES, TAR_KINDS, st.binary(max_size=9)), min_size=1, max_size=3))
def test_members_of_a_tar_of_any_name_stay_inside(place, monkeypatch, members):
    provided(place(), tarred([*members, *WHOLE]), monkeypatch)
