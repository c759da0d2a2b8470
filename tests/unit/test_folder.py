"""Images are drawn reproducibly, each split for itself, and nothing is passed over silently."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anatomy.errors import InputError
from anatomy.stimuli.folder import choose, count_images, provenance

CATEGORIES = ["dog", "car", "tree"]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Three categories with 20 (empty) images in each folder."""
    root = tmp_path_factory.mktemp("images")
    for folder in ("train", "val"):
        for category in CATEGORIES:
            (root / folder / category).mkdir(parents=True)
            for number in range(20):
                (root / folder / category / f"{folder}_{category}_{number:03}.JPEG").touch()
    return root


def drawn(root: Path, images: dict[str, int], categories=("dog",), seed: int = 0) -> dict:
    """(split, category) -> names of the drawn files in order."""
    result: dict = {}
    for chosen in choose(root, categories, images, seed).images:
        result.setdefault((chosen.split, chosen.category), []).append(chosen.path.name)
    return result


NUMBERS = st.fixed_dictionaries(
    {
        "scoring": st.integers(0, 8),
        "training": st.integers(0, 12),
        "extraction": st.integers(0, 10),
        "evaluation": st.integers(0, 10),
    }
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(images=NUMBERS, seed=st.integers(0, 5))
def test_splits_have_their_numbers_and_share_no_file(root, images, seed):
    selection = choose(root, CATEGORIES, images, seed)
    counts = Counter((chosen.split, chosen.category) for chosen in selection.images)
    for split, number in images.items():
        assert all(counts[split, category] == number for category in CATEGORIES)
    assert len({chosen.path for chosen in selection.images}) == 3 * sum(images.values())
    for chosen in selection.images:
        folder = "train" if chosen.split in ("training", "scoring") else "val"
        assert chosen.path.parts[:2] == (folder, chosen.category)
        assert (root / chosen.path).is_file()


def test_rows_are_ordered_by_split_then_category_as_configured(root):
    selection = choose(root, ["tree", "dog"], {"extraction": 2, "scoring": 1, "training": 1}, 0)
    assert [(chosen.split, chosen.category) for chosen in selection.images] == [
        ("scoring", "tree"),
        ("scoring", "dog"),
        ("training", "tree"),
        ("training", "dog"),
        *[("extraction", "tree")] * 2,
        *[("extraction", "dog")] * 2,
    ]


def test_more_of_a_later_split_leaves_the_earlier_one(root):
    few = drawn(root, {"scoring": 4, "training": 2, "extraction": 5, "evaluation": 1})
    many = drawn(root, {"scoring": 4, "training": 16, "extraction": 5, "evaluation": 15})
    for split in ("scoring", "extraction"):
        assert few[split, "dog"] == many[split, "dog"]
    for split in ("training", "evaluation"):
        assert few[split, "dog"] == many[split, "dog"][: len(few[split, "dog"])]


def test_another_category_or_folder_changes_nothing(root):
    alone = drawn(root, {"scoring": 4, "evaluation": 3})
    together = drawn(root, {"scoring": 4, "evaluation": 3}, ["tree", "dog", "car"])
    assert together["scoring", "dog"] == alone["scoring", "dog"]
    assert drawn(root, {"evaluation": 3})["evaluation", "dog"] == alone["evaluation", "dog"]


def test_the_seed_the_category_and_the_folder_change_the_draw(root):
    def numbers(split: str, category: str, seed: int) -> list[str]:
        names = drawn(root, {split: 20}, [category], seed)[split, category]
        return [name.split("_")[-1] for name in names]

    draws = [
        numbers("training", "dog", 0),
        numbers("training", "dog", 1),
        numbers("training", "car", 0),
        numbers("evaluation", "dog", 0),
    ]
    assert len(set(map(tuple, draws))) == 4
    assert all(sorted(draw) == sorted(draws[0]) for draw in draws)


def test_the_draw_does_not_depend_on_the_order_of_the_directory(root, monkeypatch):
    expected = drawn(root, {"training": 7})
    scandir = os.scandir

    class Reversed:
        def __init__(self, path):
            with scandir(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "scandir", Reversed)
    assert drawn(root, {"training": 7}) == expected


def test_extensions_hidden_files_and_other_entries(tmp_path):
    folder = tmp_path / "train" / "dog"
    folder.mkdir(parents=True)
    names = ["a.JPG", "b.jpeg", "c.Png", "d.BMP", "e.webp", "f.TIF", "g.tiff", "h.ppm"]
    for name in [*names, ".hidden.jpg", ".DS_Store", "notes.txt", "list.csv"]:
        (folder / name).touch()
    (folder / "more.jpg").mkdir()
    selection = choose(tmp_path, ["dog"], {"training": 8}, 0)
    assert sorted(chosen.path.name for chosen in selection.images) == names
    assert selection.notes == ["train/dog: passed over 3 entries, not images"]
    assert count_images(tmp_path, "train", "dog", 100) == 8


def test_a_link_to_nothing_is_an_error_by_name(tmp_path):
    folder = tmp_path / "train" / "dog"
    folder.mkdir(parents=True)
    (folder / "a.jpg").symlink_to(tmp_path / "not_fetched.jpg")
    images = choose(tmp_path, ["dog"], {"training": 1}, 0).images
    with pytest.raises(InputError, match=r"a\.jpg: cannot be read \(No such file"):
        provenance(tmp_path, images)


def test_counting_stops_early(root):
    assert count_images(root, "val", "car", 5) == 5
    assert count_images(root, "val", "car", 21) == 20


def test_too_few_images(root):
    with pytest.raises(InputError) as error:
        choose(root, ["dog"], {"scoring": 9, "training": 12}, 0)
    for word in ("'dog'", "21 images", "20 found", str(Path("train") / "dog")):
        assert word in str(error.value)


def test_wrong_requests_are_refused(root):
    with pytest.raises(InputError, match="unknown split 'test'; known are scoring, training"):
        choose(root, ["dog"], {"test": 1}, 0)
    with pytest.raises(InputError, match="training = -1"):
        choose(root, ["dog"], {"training": -1}, 0)
    for look in (
        lambda: choose(root, ["cat"], {"training": 1}, 0),
        lambda: count_images(root, "train", "cat", 1),
    ):
        with pytest.raises(InputError, match=r"category 'cat': there is no folder .*train/cat"):
            look()


def test_names_that_differ_in_the_extension_alone_are_refused(tmp_path):
    folder = tmp_path / "val" / "dog"
    folder.mkdir(parents=True)
    for name in ("a.jpg", "a.png", "b.jpg"):
        (folder / name).touch()
    with pytest.raises(InputError, match=r"a\.jpg and a\.png differ in their extension alone"):
        choose(tmp_path, ["dog"], {"evaluation": 1}, 0)


def test_image_ids_are_unique_though_folders_use_the_same_names(tmp_path):
    for folder in ("train", "val"):
        (tmp_path / folder / "dog").mkdir(parents=True)
        (tmp_path / folder / "dog" / "000012.jpg").touch()
    images = choose(tmp_path, ["dog"], {"scoring": 1, "evaluation": 1}, 0).images
    assert [image.image_id for image in images] == ["train/dog/000012", "val/dog/000012"]


def test_provenance_follows_names_and_sizes(tmp_path):
    folder = tmp_path / "train" / "dog"
    folder.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"1234")
    images = choose(tmp_path, ["dog"], {"training": 2}, 0).images
    before = provenance(tmp_path, images)
    assert before["files"] == 2
    assert provenance(tmp_path, images) == before
    assert provenance(tmp_path, images[::-1]) != before
    (folder / "a.jpg").write_bytes(b"12345")
    assert provenance(tmp_path, images) != before
