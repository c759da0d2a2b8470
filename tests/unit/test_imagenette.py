"""Imagenette is taken from an archive or downloaded, whole or not at all."""

import hashlib
import io
import tarfile
from pathlib import Path
from urllib.error import URLError

import pytest
import torchvision

from anatomy.errors import InputError
from anatomy.stimuli import imagenette
from anatomy.stimuli.imagenette import provide

NAMES = ["train/n01440764/a.JPEG", "train/n01440764/b.JPEG", "val/n01440764/c.JPEG"]
NAME = "imagenette2-160.tgz"


def packed(path: Path, names: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5
            tar.addfile(member, io.BytesIO(b"image"))
    return path


def expect(monkeypatch, archive: Path) -> None:
    """Let the small archive be the one that is expected."""
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(imagenette.ARCHIVES, "160px", (NAME, md5))
    monkeypatch.setattr(imagenette, "IMAGES", {"train": 2, "val": 1})


def contents(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("nothing may be downloaded here")

    monkeypatch.setattr(torchvision.datasets, "Imagenette", refuse)


def test_archives_are_those_of_torchvision():
    expected = {
        size: (url.rsplit("/", 1)[1], md5)
        for size, (url, md5) in torchvision.datasets.Imagenette._ARCHIVES.items()
    }
    assert expected == imagenette.ARCHIVES


def test_an_archive_placed_by_hand_is_unpacked(tmp_path, monkeypatch, no_network):
    archive = packed(tmp_path / NAME, [f"imagenette2-160/{name}" for name in NAMES])
    expect(monkeypatch, archive)
    folder = provide(tmp_path, "160px")
    assert folder == tmp_path / "imagenette2-160"
    assert contents(folder) == set(NAMES)
    assert {path.name for path in tmp_path.iterdir()} == {NAME, "imagenette2-160"}
    archive.unlink()
    assert provide(tmp_path, "160px") == folder  # what is there is not made again


def test_an_interrupted_attempt_is_not_taken_for_a_finished_one(tmp_path, monkeypatch, no_network):
    archive = packed(tmp_path / NAME, [f"imagenette2-160/{name}" for name in NAMES])
    expect(monkeypatch, archive)
    left = tmp_path / ".imagenette2-160.partial" / "imagenette2-160" / "train" / "n01440764"
    left.mkdir(parents=True)
    (left / "half.JPEG").touch()
    assert contents(provide(tmp_path, "160px")) == set(NAMES)
    assert not left.exists()


def test_a_folder_that_lacks_images_is_refused(tmp_path, no_network):
    """An unpacking by hand or by another program may have been interrupted."""
    image = tmp_path / "imagenette2-320" / "train" / "n01440764" / "a.JPEG"
    image.parent.mkdir(parents=True)
    image.touch()
    with pytest.raises(InputError, match=r"holds 1 of 9469 images.*remove .*imagenette2-320"):
        provide(tmp_path, "320px")
    assert image.exists()


@pytest.mark.parametrize("member", ["../outside.JPEG", "/outside.JPEG", "a/../../../outside"])
def test_members_outside_the_folder_are_refused(tmp_path, monkeypatch, no_network, member):
    root = tmp_path / "root"
    names = [f"imagenette2-160/{name}" for name in NAMES]
    archive = packed(root / NAME, [*names, member])
    expect(monkeypatch, archive)
    with pytest.raises(InputError, match=rf"{NAME}: cannot be unpacked .*outside"):
        provide(root, "160px")
    assert [path.name for path in root.iterdir()] == [NAME]
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_links_outside_the_folder_are_refused(tmp_path, monkeypatch, no_network):
    archive = tmp_path / NAME
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("imagenette2-160/train")
        member.type, member.linkname = tarfile.SYMTYPE, "../../.."
        tar.addfile(member)
    expect(monkeypatch, archive)
    with pytest.raises(InputError, match="cannot be unpacked"):
        provide(tmp_path, "160px")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_an_archive_cut_short_is_refused(tmp_path, monkeypatch, no_network):
    archive = packed(tmp_path / NAME, [f"imagenette2-160/{name}" for name in NAMES])
    expect(monkeypatch, archive)
    archive.write_bytes(archive.read_bytes()[:-10])
    with pytest.raises(InputError, match=rf"{NAME}: is damaged or cut short \(MD5"):
        provide(tmp_path, "160px")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("root_exists", [True, False])
def test_a_failed_download_changes_nothing_and_says_what_to_do(tmp_path, monkeypatch, root_exists):
    root = tmp_path / "data" / "imagenette"
    if root_exists:
        root.mkdir(parents=True)
    before = set(tmp_path.rglob("*"))

    def unreachable(url, filename, *_, **__):
        Path(filename).write_bytes(b"half")
        raise URLError("network is unreachable")

    monkeypatch.setattr(torchvision.datasets.utils, "_get_redirect_url", lambda url, max_hops: url)
    monkeypatch.setattr(torchvision.datasets.utils, "_urlretrieve", unreachable)
    with pytest.raises(InputError) as error:
        provide(root, "320px")
    for words in (
        "imagenette2-320.tgz could not be downloaded",
        "network is unreachable",
        "nothing was changed",
        f"put it into {root} and run again",
    ):
        assert words in str(error.value)
    assert set(tmp_path.rglob("*")) == before


def test_a_download_through_torchvision_ends_in_place(tmp_path, monkeypatch):
    """torchvision's own code checks and unpacks what a stand-in for the network hands over."""
    served = packed(tmp_path / "server" / NAME, [f"imagenette2-160/{name}" for name in NAMES])
    expect(monkeypatch, served)
    url = torchvision.datasets.Imagenette._ARCHIVES["160px"][0]
    md5 = imagenette.ARCHIVES["160px"][1]
    monkeypatch.setitem(torchvision.datasets.Imagenette._ARCHIVES, "160px", (url, md5))
    monkeypatch.setattr(torchvision.datasets.utils, "_get_redirect_url", lambda url, max_hops: url)
    monkeypatch.setattr(
        torchvision.datasets.utils,
        "_urlretrieve",
        lambda url, filename, *_: Path(filename).write_bytes(served.read_bytes()),
    )
    root = tmp_path / "root"
    assert contents(provide(root, "160px")) == set(NAMES)
    assert [path.name for path in root.iterdir()] == ["imagenette2-160"]


def test_an_unknown_size_is_refused(tmp_path):
    with pytest.raises(InputError, match="size '64px' is unknown; known are full, 320px, 160px"):
        provide(tmp_path, "64px")
