"""Stimuli of the identity task and of the localizer: who is in which split, and how views are made."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anatomy.errors import InputError
from anatomy.steps import identities, localizer
from anatomy.steps.opening import open_stimuli
from anatomy.steps.step import Job
from anatomy.stimuli.identities import (
    Change,
    colour_difference,
    image_files,
    photographed_identities,
    toybox_identities,
)
from anatomy.stimuli.images import decode
from anatomy.stimuli.listing import trees_digest
from anatomy.stimuli.localizer import localizer_items
from anatomy.stimuli.toybox.render import render_identity

SIZE, RESIZE = 32, 40
UNCHANGED = {"share": 1.0, "left": 0.0, "top": 0.0, "mirrored": False, "gain": 1.0, "gamma": 1.0}


def photograph(path: Path, seed: int, grey: bool = False) -> None:
    """A file of smooth colours, 60 x 48 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((60, 48), Image.Resampling.BICUBIC)
    (image.convert("L") if grey else image).save(path)


@pytest.fixture
def folder(tmp_path):
    """Eight faces, grey, five photographs each; eight houses in colour, one each."""
    for person in range(8):
        for number in range(5):
            file = tmp_path / "photographs" / "face" / f"p{person}" / f"{number}.png"
            photograph(file, 10 * person + number, grey=True)
    for house in range(8):
        photograph(tmp_path / "photographs" / "house" / f"h{house}" / "front.png", 100 + house)
    return tmp_path / "photographs"


def written(step, spec, folder):
    """The stimulus set that a step writes."""
    names = {"store": "images.zarr", "manifest": "images.json", "table": "images.csv"}
    paths = {name: [folder / file] for name, file in names.items()}
    step.main(Job(spec, 0, paths))
    return open_stimuli(folder / "images.json")


def of_folder(folder, **changes):
    spec = {
        "source": "folder",
        "folder": str(folder),
        "test_share": 0.25,
        "views": 4,
        "seed": 0,
        "grey": False,
    }
    return (
        spec
        | {"resize": RESIZE, "image_size": SIZE, "files": trees_digest(folder, ("face", "house"))}
        | changes
    )


# --- toybox


def test_toys_are_drawn_and_identities_are_in_one_split(tmp_path):
    spec = {"source": "toybox", "identities": {"training": 3, "test": 2}, "views": 2, "seed": 4}
    stimuli = written(identities, spec | {"image_size": SIZE}, tmp_path)
    table = stimuli.table
    assert len(table) == 2 * (3 + 2) * 2
    assert table.groupby(["split", "category"])["name"].nunique().to_dict() == {
        ("training", "face"): 3,
        ("training", "house"): 3,
        ("test", "face"): 2,
        ("test", "house"): 2,
    }
    assert (table.groupby(["category", "name"])["split"].nunique() == 1).all()
    assert (table["category"] == table["super_category"]).all()
    for row, image_id in enumerate(table["image_id"]):
        kind, identity, view = image_id.split("/")
        expected = render_identity(kind, int(identity), int(view), 4, SIZE)
        np.testing.assert_array_equal(stimuli.images(slice(row, row + 1))[0], expected)


def test_more_toys_for_training_leave_those_of_the_test():
    few, _ = toybox_identities({"training": 2, "test": 2}, 2, 0, SIZE)
    many, _ = toybox_identities({"training": 9, "test": 2}, 2, 0, SIZE)
    assert set(few) < set(many)
    assert {item.name for item in many if item not in few} == {
        f"{kind} {number}" for kind in ("face", "house") for number in range(2, 9)
    }


# --- photographs


def test_photographs_are_shown_as_they_are_and_others_are_made_from_them(folder, tmp_path):
    stimuli = written(identities, of_folder(folder), tmp_path)
    table = stimuli.table
    assert table.groupby(["category", "name"]).size().unique().tolist() == [4]
    assert table.drop_duplicates(["category", "name"])["split"].value_counts().to_dict() == {
        "training": 12,
        "test": 4,
    }
    assert (table.groupby(["category", "name"])["split"].nunique() == 1).all()
    faces = table[table["category"] == "face"]
    assert not faces.duplicated("source").any()
    for row, item in table[table["source"].str.endswith(".png")].iterrows():
        assert item["source"].startswith(f"{item['category']}/{item['name']}/")
        expected = decode(folder / item["source"], RESIZE, SIZE)
        np.testing.assert_array_equal(stimuli.images(slice(row, row + 1))[0], expected)
    houses = table[table["category"] == "house"]
    plain = houses["source"].str.endswith(".png")
    assert houses[plain]["image_id"].str.endswith("/000").all()
    assert plain.sum() == 8
    assert houses[~plain]["source"].str.contains("front.png: ", regex=False).all()
    assert not table.duplicated("digest").any()
    shown = photographed_identities(folder, 0.25, 4, 0)
    for row, image_id in table["image_id"][
        table["source"].str.contains(".png: ", regex=False)
    ].items():
        view = shown.views[image_id]
        expected = view.change.apply(decode(folder / view.photograph, RESIZE, RESIZE), SIZE)
        np.testing.assert_array_equal(stimuli.images(slice(row, row + 1))[0], expected)


def test_made_views_stay_grey_and_close_to_their_photograph(folder, tmp_path):
    stimuli = written(identities, of_folder(folder, views=30), tmp_path)
    images = stimuli.images(slice(None)).astype(float)
    table = stimuli.table
    is_face = (table["category"] == "face").to_numpy()
    assert np.ptp(images[is_face], axis=3).max() == 0
    assert np.ptp(images[~is_face], axis=3).max() > 0
    # mirrored or not, each view is more like its own photograph than like those of others
    own = images[(table["image_id"].str.endswith("/000")) & ~is_face]
    ways = np.concatenate([own, own[:, :, ::-1]]).reshape(16, -1)
    views = images[~is_face].reshape(len(images[~is_face]), -1)
    likeness = np.corrcoef(np.concatenate([ways, views]))[16:, :16].reshape(-1, 2, 8).max(axis=1)
    assert (likeness.argmax(axis=1) == np.repeat(np.arange(8), 30)).mean() > 0.9
    mirrored = table["source"].str.contains("mirrored")[~is_face]
    assert 0.3 < mirrored.mean() < 0.7


def test_views_depend_on_seed_and_identity_alone(folder):
    before = photographed_identities(folder, 0.25, 8, 1)
    assert photographed_identities(folder, 0.25, 8, 1) == before
    photograph(folder / "house" / "a new one" / "1.png", 7)
    after = photographed_identities(folder, 0.25, 8, 1).views
    assert before.views.items() < after.items()
    other = photographed_identities(folder, 0.25, 8, 2).views
    changed = [name for name, view in before.views.items() if view.change]
    assert changed
    assert all(other[name].change != before.views[name].change for name in changed)
    assert len({view.change for view in before.views.values()}) == len(changed) + 1


def test_surplus_photographs_are_drawn_at_random(folder):
    drawn = [photographed_identities(folder, 0.25, 2, seed) for seed in range(12)]
    shown = [{view.photograph.name for view in own.views.values()} for own in drawn]
    assert set.union(*shown) == {"front.png", *(f"{number}.png" for number in range(5))}
    pairs = {
        tuple(v.photograph.name for name, v in own.views.items() if name.startswith("face/p3/"))
        for own in drawn
    }
    assert len(pairs) > 4
    assert all(first < second for first, second in pairs)


def test_changes_do_what_they_say():
    x, y = np.meshgrid(np.arange(100), np.arange(100))
    ramps = np.stack([x, y, np.full_like(x, 200)], axis=2).astype(np.uint8)
    whole = Change(**UNCHANGED).apply(ramps, 100)
    np.testing.assert_array_equal(whole, ramps)
    part = Change(**UNCHANGED | {"share": 0.8, "left": 1.0, "top": 0.5}).apply(ramps, 80)
    np.testing.assert_array_equal(part, ramps[10:90, 20:])
    mirrored = Change(**UNCHANGED | {"mirrored": True}).apply(ramps, 100)
    np.testing.assert_array_equal(mirrored, ramps[:, ::-1])
    lit = Change(**UNCHANGED | {"gain": 1.2, "gamma": 0.5}).apply(ramps, 100)
    for before, after in ((0, 0), (20, 86), (49, 134), (99, 191), (200, 255)):
        assert (lit[ramps == before] == after).all()
    assert after == 255 < 1.2 * 255 * (200 / 255) ** 0.5  # cut at white


def test_colour_of_one_kind_is_noted(folder, tmp_path):
    stimuli = written(identities, of_folder(folder), tmp_path / "one")
    assert "0% of the faces and 100% of the houses are in colour" in colour_difference(stimuli)
    for seed, file in enumerate(sorted(folder.glob("*/*/*.png"))):
        photograph(file, seed)
    assert colour_difference(written(identities, of_folder(folder), tmp_path / "two")) is None


def test_all_photographs_can_be_shown_in_grey(folder, tmp_path):
    colored = written(identities, of_folder(folder), tmp_path / "colored")
    grey = written(identities, of_folder(folder, grey=True), tmp_path / "grey")
    assert grey.table["image_id"].tolist() == colored.table["image_id"].tolist()
    every = slice(0, len(grey.table))
    shown, pixels = grey.images(every).astype(int), colored.images(every)
    assert np.ptp(pixels, axis=3).any()
    assert not np.ptp(shown, axis=3).any()
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    assert np.abs(shown[..., 0] - luma).max() <= 1


def test_one_photograph_in_two_splits_is_an_error(folder, tmp_path):
    for house in range(8):
        photograph(folder / "house" / f"h{house}" / "front.png", 0)
    with pytest.raises(InputError, match="no image may be in two splits"):
        written(identities, of_folder(folder), tmp_path)


def test_bad_folders_are_named(folder, tmp_path):
    (folder / "face" / "p3" / "2.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"p3/2\.png"):
        written(identities, of_folder(folder, views=5), tmp_path)
    with pytest.raises(
        InputError, match=r"face: test_share = 0\.1 of 8 identities leaves 7 for training and 1 for"
    ):
        photographed_identities(folder, 0.1, 4, 0)
    (folder / "house" / "empty").mkdir()
    with pytest.raises(InputError, match="house/empty: holds no image"):
        photographed_identities(folder, 0.25, 4, 0)
    with pytest.raises(InputError, match=r"there is no folder .*nowhere/face"):
        photographed_identities(folder / "nowhere", 0.25, 4, 0)


def test_hidden_files_and_others_are_passed_over(tmp_path):
    for name in (".hidden.jpg", "notes.txt", "b.JPG", "a.png"):
        (tmp_path / name).touch()
    assert image_files(tmp_path) == ["a.png", "b.JPG"]


# --- localizer


def test_localizer_shows_images_of_each_folder(tmp_path):
    for place, name in enumerate(("adult", "child", "home", "car")):
        for number in range(6):
            photograph(tmp_path / "floc" / name / f"{number}.png", 10 * place + number)
    kinds = {"face": ["adult", "child"], "house": ["home"], "other": ["car"]}
    spec = {"folder": str(tmp_path / "floc"), "kinds": kinds, "images": 4, "seed": 3}
    found = trees_digest(tmp_path / "floc", ["adult", "child", "home", "car"])
    spec |= {"resize": RESIZE, "image_size": SIZE, "files": found, "grey": False}
    stimuli = written(localizer, spec, tmp_path)
    table = stimuli.table
    assert table.groupby(["super_category", "category"]).size().to_dict() == {
        ("face", "adult"): 4,
        ("face", "child"): 4,
        ("house", "home"): 4,
        ("other", "car"): 4,
    }
    assert (table["split"] == "localizer").all()
    for row, source in enumerate(table["source"]):
        expected = decode(tmp_path / "floc" / source, RESIZE, SIZE)
        np.testing.assert_array_equal(stimuli.images(slice(row, row + 1))[0], expected)
    grey = written(localizer, spec | {"grey": True}, tmp_path / "grey")
    assert not np.ptp(grey.images(slice(0, len(grey.table))), axis=3).any()
    every = localizer_items(tmp_path / "floc", kinds, None, 3)
    assert len(every) == 24
    with pytest.raises(InputError, match="adult: holds 6 images, 7 are asked for"):
        localizer_items(tmp_path / "floc", kinds, 7, 3)
    with pytest.raises(InputError, match="'home' of the localizer is named twice"):
        localizer_items(tmp_path / "floc", kinds | {"other": ["home"]}, None, 3)
    with pytest.raises(InputError, match="boat: there is no such folder"):
        localizer_items(tmp_path / "floc", kinds | {"other": ["boat"]}, None, 3)
