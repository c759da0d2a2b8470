"""The toybox: pictures depend on their arguments alone, and labels cover exactly what is drawn."""

import colorsys
import hashlib
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from anatomy.errors import InputError
from anatomy.stimuli.toybox import (
    CATEGORIES,
    Scene,
    render_identity,
    render_labelled,
    render_object,
    shading,
)
from anatomy.stimuli.toybox import render as render_module
from anatomy.stimuli.toybox.canvas import Canvas, Frame, Region, Sketch
from anatomy.stimuli.toybox.palette import PROTOTYPES, Surface, plain
from anatomy.stimuli.toybox.shading import Light, develop
from anatomy.stimuli.toybox.shapes import box, ellipse
from anatomy.stimuli.toybox.textures import ACCENT
from anatomy.stimuli.toybox.vocabulary import CONCEPT_CATEGORIES, CONCEPTS, LABELS, NUMBERS, SCENES

NAMES = [category.name for category in CATEGORIES]
FLAT = Light(relief=0.0, shadow=0.0, halo=0.0)
MAGENTA = (255, 0, 255)


def planes_of(scene: Scene, size: int | None = None) -> list[tuple[str, np.ndarray]]:
    labels = scene.labels if size is None else scene.labels_at(size)
    return [(key, p) for key, planes in labels.items() for p in planes if not isinstance(p, str)]


# --- what a picture depends on -------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**40), st.integers(0, 10**6), st.sampled_from(NAMES))
def test_pictures_do_not_depend_on_what_was_drawn_before(category, seed, index, other):
    first = render_object(category, seed, index, 32)
    render_object(other, seed, index + 1, 48)
    again = render_labelled(category, seed, index, 32)
    assert np.array_equal(first, again.image)
    assert first.dtype == np.uint8
    assert first.shape == (32, 32, 3)
    assert not np.array_equal(first, render_object(category, seed, index + 1, 32))
    assert not np.array_equal(first, render_object(category, seed + 1, index, 32))


def test_pictures_are_the_same_in_another_process_and_need_no_torch():
    program = (
        "import hashlib, sys\n"
        "from anatomy.stimuli.toybox import render_identity, render_object\n"
        "pictures = [render_object('fish', 3, 1), render_identity('house', 4, 2, 3)]\n"
        "assert 'torch' not in sys.modules\n"
        "print(hashlib.sha256(b''.join(p.tobytes() for p in pictures)).hexdigest())\n"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    pictures = [render_object("fish", 3, 1), render_identity("house", 4, 2, 3)]
    here = hashlib.sha256(b"".join(p.tobytes() for p in pictures)).hexdigest()
    assert run.stdout.strip() == here


@pytest.mark.parametrize("category", NAMES)
def test_size_changes_resolution_and_not_the_picture(category):
    small = render_object(category, 1, 2, 64).astype(float)
    large = render_object(category, 1, 2, 128).astype(float)
    averaged = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(averaged - small).mean() < 6.0
    odd = render_labelled(category, 1, 2, 45)
    assert odd.image.shape == (45, 45, 3)
    assert all(plane.shape == (45, 45) for _, plane in planes_of(odd))


def test_bad_arguments_are_named():
    with pytest.raises(InputError, match="unicorn"):
        render_object("unicorn", 0, 0)
    with pytest.raises(InputError, match="size is 31"):
        render_object("dog", 0, 0, 31)
    with pytest.raises(InputError, match="index is -1"):
        render_labelled("dog", 0, -1)
    with pytest.raises(InputError, match="'car'"):
        render_identity("car", 0, 0, 0)
    with pytest.raises(InputError, match="view is -2"):
        render_identity("face", 0, -2, 0)


# --- what the labels say -------------------------------------------------------------------------


def test_a_planted_disc_is_labelled_where_it_is():
    """A disc of known radius with a known square on it, against their equations."""
    canvas = Canvas(64)
    canvas.scenery("wall", plain("green"), box(0, 0, 1, 1))
    sketch = Sketch("cup", np.random.default_rng(0), plain("red"), plain("white"))
    sketch.add("bowl", sketch.main, ellipse(50, 50, 30))
    sketch.add("bowl", plain("white"), box(40, 40, 60, 60), detail="handle")
    canvas.place(sketch, Frame())
    image, paint = develop(canvas, FLAT)
    labels = Scene(image, paint, tuple(canvas.regions), "room").labels
    y, x = (np.mgrid[:64, :64] + 0.5) / 64
    distance = np.hypot(x - 0.5, y - 0.5)
    inside, outside = distance < 0.3 - 1 / 64, distance > 0.3 + 1 / 64
    cup = labels["object"][0] == NUMBERS["cup"]
    assert cup[inside].all()
    assert not cup[outside].any()
    assert (labels["part"][0][inside] == NUMBERS["bowl"]).all()
    square = (np.abs(x - 0.5) < 0.1 - 1 / 64) & (np.abs(y - 0.5) < 0.1 - 1 / 64)
    assert (labels["part"][1][square] == NUMBERS["handle"]).all()
    assert (labels["color"][0][square] == NUMBERS["white-c"]).all()
    assert (labels["color"][0][outside] == NUMBERS["green-c"]).all()
    assert (image[outside] == PROTOTYPES["green"]).all()
    assert labels["scene"] == ["room-s"]
    # The polygon's area is that of the disc to a percent.
    assert cup.mean() == pytest.approx(np.pi * 0.09, rel=0.02)


@pytest.mark.parametrize(
    ("category", "part"),
    [
        ("dog", "head"),
        ("cat", "eye"),
        ("elephant", "ear"),
        ("bird", "wing"),
        ("fish", "tail"),
        ("butterfly", "wing"),
        ("car", "wheel"),
        ("boat", "sail"),
        ("airplane", "window"),
        ("chair", "seat"),
        ("cup", "bowl"),
        ("umbrella", "canopy"),
    ],
)
def test_repainting_a_part_changes_exactly_the_pixels_labelled_so(category, part, monkeypatch):
    monkeypatch.setattr(render_module, "random_light", lambda rng: FLAT)
    monkeypatch.setattr(shading, "SHADING", {})
    monkeypatch.setattr(shading, "RIM_SHADE", 0.0)
    plain_scene = render_labelled(category, 5, 3)

    def repainted(canvas, light):
        magenta = Surface("pink", MAGENTA, accent_rgb=MAGENTA)
        canvas.regions = [
            region._replace(surface=magenta, shade=0.0)
            if part in (region.part, region.detail)
            else region
            for region in canvas.regions
        ]
        return develop(canvas, light)

    monkeypatch.setattr(render_module, "develop", repainted)
    image = render_labelled(category, 5, 3).image
    labelled = np.any([p == NUMBERS[part] for p in plain_scene.labels["part"]], axis=0)
    assert labelled.any()
    assert labelled[(image == MAGENTA).all(axis=-1)].all()
    changed = (image != plain_scene.image).any(axis=-1)
    assert changed[labelled].mean() > 0.97
    # A pixel that shows the part in a minority of its samples borders on a labelled one, or the
    # part is thinner than half a pixel there.
    beyond = changed & ~ndimage.binary_dilation(labelled, np.ones((3, 3)))
    assert beyond.sum() <= 3


@pytest.mark.parametrize("category", NAMES)
def test_outside_the_object_there_is_only_background(category, monkeypatch):
    monkeypatch.setattr(render_module, "random_light", lambda rng: FLAT)
    scene = render_labelled(category, 9, 4)
    number = NUMBERS[category]
    monkeypatch.setattr(Canvas, "place", lambda *_: (np.zeros(2), np.ones(2)))
    empty = render_labelled(category, 9, 4)
    assert not (empty.labels["object"][0] == number).any()
    shown = scene.labels["object"][0] == number
    changed = (scene.image != empty.image).any(axis=-1)
    assert not changed[~ndimage.binary_dilation(shown, np.ones((5, 5)))].any()
    assert changed[shown].mean() > 0.97
    extent = max(np.ptp(axis) + 1 for axis in np.nonzero(shown)) / 64
    assert 0.6 <= extent <= 1.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 4, 8]))
def test_a_pixel_takes_the_label_that_most_of_its_samples_have(seed, across):
    rng = np.random.default_rng(seed)
    surfaces = [Surface(color, (0, 0, 0), accent="white") for color in ("red", "blue", "green")]
    regions = [Region(s, name) for s, name in zip(surfaces, ("sky", "sea", "dog"), strict=True)]
    paint = rng.integers(0, 3, (6 * across, 6 * across)).astype(np.uint8)
    paint += (128 * (rng.random(paint.shape) < 0.4)).astype(np.uint8)
    scene = Scene(np.zeros((6, 6, 3), np.uint8), paint, tuple(regions), "beach")
    labels = scene.labels
    for row in range(6):
        for column in range(6):
            block = paint[
                row * across : (row + 1) * across, column * across : (column + 1) * across
            ]
            counts = Counter(int(value) % 128 for value in block.ravel())
            winner = max(counts, key=lambda region: (counts[region], region))
            name = regions[winner].object
            assert labels["object"][0][row, column] == NUMBERS.get(name, 0)
            accented = sum(int(value) == winner + 128 for value in block.ravel())
            color = "white" if 2 * accented > counts[winner] else regions[winner].surface.color
            assert labels["color"][0][row, column] == NUMBERS[f"{color}-c"]


def test_details_lie_within_parts_and_parts_within_objects():
    for category in NAMES:
        labels = render_labelled(category, 2, 0).labels
        part, detail = labels["part"]
        assert (part[detail > 0] > 0).all()
        assert (labels["object"][0][part > 0] == NUMBERS[category]).all()
        assert (labels["color"][0] > 0).all()
        assert all(plane.dtype == np.int32 for plane in (part, detail, *labels["color"]))


@pytest.fixture(scope="module")
def many() -> list[tuple[str, Scene]]:
    return [(name, render_labelled(name, 11, index, 32)) for name in NAMES for index in range(40)]


def test_every_concept_of_the_vocabulary_occurs_in_its_category(many):
    seen = {category: set() for category in CONCEPT_CATEGORIES}
    for _, scene in many:
        for category, plane in planes_of(scene, 64):
            seen[category] |= {LABELS[number - 1] for number in np.unique(plane) if number}
        seen["scene"] |= set(scene.labels["scene"])
    assert seen == {category: set(names) for category, names in CONCEPTS.items()}


def test_scene_and_color_do_not_give_the_category_away(many):
    """Independence of the category by a chi-square test, at a level that chance seldom reaches."""
    scenes, colors = np.zeros((12, 6)), np.zeros((12, 12))
    for category, scene in many:
        row = NAMES.index(category)
        scenes[row, SCENES.index(scene.name)] += 1
        shown = scene.labels["object"][0] == NUMBERS[category]
        colors[row, np.bincount(scene.labels["color"][0][shown]).argmax()] += 1
    assert stats.chi2_contingency(scenes).pvalue > 0.001
    assert stats.chi2_contingency(colors[:, 1:]).pvalue > 0.001


def test_color_labels_agree_with_the_look_of_the_image(many):
    pixels = {name: [] for name in CONCEPTS["color"]}
    for category, scene in many:
        color = scene.labels["color"][0]
        shown = scene.labels["object"][0] == NUMBERS[category]
        for name in pixels:
            pixels[name].append(scene.image[shown & (color == NUMBERS[name])])
    for name, parts in pixels.items():
        red, green, blue = np.median(np.concatenate(parts), axis=0) / 255
        hue, light, _ = colorsys.rgb_to_hls(red, green, blue)
        wanted_hue, *_ = colorsys.rgb_to_hls(*(v / 255 for v in PROTOTYPES[name[:-2]]))
        chroma = max(red, green, blue) - min(red, green, blue)
        if name in ("black-c", "grey-c", "white-c"):
            assert chroma < 0.1, name
            low, high = {"black-c": (0, 0.3), "grey-c": (0.3, 0.65), "white-c": (0.65, 1)}[name]
            assert low <= light < high, name
        else:
            assert chroma > 0.15, name
            assert abs((hue - wanted_hue + 0.5) % 1 - 0.5) < 0.04, name


@pytest.mark.parametrize(
    ("texture", "share"),
    [
        ("striped", 0.48),
        ("chequered", 0.5),
        ("dotted", np.pi * 0.1),
        ("grid", 1 - 0.76**2),
        ("zigzagged", 0.48),
        ("honeycombed", 1 - 0.74**2),
    ],
)
def test_textures_cover_the_share_of_the_plane_that_geometry_says(texture, share):
    """Honeycomb: a hexagon with inner radius .37 of one with .5 is bare, a share of .74 squared."""
    v, u = np.meshgrid(*2 * [np.linspace(0, 40, 1600, dtype=np.float32)], indexing="ij")
    painted = ACCENT[texture](u, v, np.zeros((1, 1), np.float32))
    assert painted.mean() == pytest.approx(share, abs=0.02)


# --- identities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["face", "house"])
def test_identities_are_recognised_across_views(kind):
    """Nearest mean picture of other views: far above the chance of one in eight."""
    views = np.array(
        [[render_identity(kind, i, v, 5, 32).ravel() for v in range(14)] for i in range(8)], float
    )
    views -= views.mean(axis=-1, keepdims=True)
    views /= views.std(axis=-1, keepdims=True)
    means = views[:, :7].mean(axis=1)
    guess = np.einsum("ivp,jp->ivj", views[:, 7:], means).argmax(axis=-1)
    assert (guess == np.arange(8)[:, None]).mean() > 0.4
    assert len({view.tobytes() for view in views.reshape(-1, views.shape[-1])}) == 8 * 14


def test_identity_is_kept_when_more_views_are_drawn():
    before = render_identity("face", 3, 2, 0)
    render_identity("face", 3, 7, 0)
    assert np.array_equal(before, render_identity("face", 3, 2, 0))
    assert not np.array_equal(before, render_identity("face", 4, 2, 0))
