"""Top images equal those of a sorted list of all images; thumbnails show the region where the mask is."""

import io
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import distance_transform_cdt

from anatomy.dissection.masks import Axis, Upsampling
from anatomy.dissection.top_images import NOWHERE, TopImages, outlined
from anatomy.thumbnails import resized, webp

GRID, SIDE = 56, 168
LINE_WIDTH = 3
GREY = 200


def collected(maps, kept, edges=()):
    """Top images of maps (image, unit, y, x) that arrive in blocks."""
    top = TopImages.none(maps.shape[1], kept, maps.shape[2:])
    starts = [0, *sorted(edges), len(maps)]
    for start, stop in pairwise(starts):
        if stop > start:
            top.add(slice(start, stop), maps[start:stop])
    return top


def assert_sorted(top, maps, kept):
    """Each unit has its best images, the earlier first of equal ones, with their maps."""
    images = len(maps)
    for unit in range(maps.shape[1]):
        peaks = [float(maps[image, unit].max()) for image in range(images)]
        order = sorted(range(images), key=lambda image: (-peaks[image], image))[:kept]
        missing = kept - len(order)
        assert top.image[unit].tolist() == order + [NOWHERE] * missing
        assert (
            top.response[unit].tolist() == [peaks[image] for image in order] + [-np.inf] * missing
        )
        for rank, image in enumerate(order):
            np.testing.assert_array_equal(top.maps[unit, rank], maps[image, unit])
            y, x = top.position(unit, rank)
            places = [
                (row, column) for row in range(maps.shape[2]) for column in range(maps.shape[3])
            ]
            assert (y, x) == next(own for own in places if maps[image, unit][own] == peaks[image])


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 25),
    st.integers(1, 8),
    st.sampled_from([1, 2, 6, 10**6]),
    st.lists(st.integers(0, 25), max_size=6),
)
def test_top_images_are_the_first_of_a_sorted_list(seed, images, kept, levels, edges):
    """With many ties and any blocks; images fewer than are kept leave places empty."""
    random = np.random.default_rng(seed)
    maps = random.integers(-levels, levels + 1, (images, 3, 2, 3)).astype(np.float32)
    maps[:, 0] = np.maximum(maps[:, 0], 0)
    top = collected(maps, kept, [min(edge, images) for edge in edges])
    assert_sorted(top, maps, kept)


@pytest.mark.parametrize("block", [1, 3, 10, 64])
def test_any_block_size_gives_the_same(block):
    maps = np.random.default_rng(0).standard_normal((64, 4, 3, 5)).astype(np.float32)
    maps[::7] = maps[0]
    assert_sorted(collected(maps, 10, range(0, 64, block)), maps, 10)


def test_units_that_respond_nowhere_show_the_first_images():
    top = collected(np.zeros((8, 2, 3, 3), np.float32), 3, [2, 5])
    assert top.image.tolist() == [[0, 1, 2]] * 2
    assert top.position(1, 2) == (0, 0)


def test_position_is_row_and_column():
    maps = np.zeros((1, 1, 4, 6), np.float32)
    maps[0, 0, 2, 5] = maps[0, 0, 3, 0] = 3
    assert collected(maps, 1).position(0, 0) == (2, 5)


# --- thumbnails


def grid(positions):
    axis = Axis.of(positions, 4, Fraction(8), GRID)
    return Upsampling(axis, axis)


def decoded(data):
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "WEBP"
    return np.asarray(picture.convert("RGB")).astype(int)


def drawn(response, threshold, picture=None, side=SIDE):
    if picture is None:
        picture = np.full((224, 224, 3), GREY, np.uint8)
    region = grid(len(response)).interpolated(response) > threshold
    return decoded(webp(outlined(resized(picture, side), region)))


def region_of(response, threshold):
    """The mask of the unit at the size of the thumbnail."""
    _, pixels = grid(len(response)).active_pixels(response[None], np.float32([threshold]))
    region = np.zeros(GRID * GRID, bool)
    region[pixels] = True
    return np.kron(region.reshape(GRID, GRID), np.ones((SIDE // GRID,) * 2)).astype(bool)


def hot_spots(*places):
    response = np.zeros((7, 7), np.float32)
    for place in places:
        response[place] = 1
    return response


def yellow(shown):
    """How much more red and green than blue there is."""
    return np.minimum(shown[..., 0], shown[..., 1]) - shown[..., 2]


def assert_region_shown(shown, region):
    """A line along the region's border, on its inner side; the picture inside, a darker one outside.

    What lies within two pixels of where that changes is left out, since WebP stores colours at half the resolution.
    """
    inside, outside = (distance_transform_cdt(own, "taxicab") for own in (region, ~region))
    middle_of_line = inside == (LINE_WIDTH + 1) // 2
    assert middle_of_line.sum() > 50
    assert (yellow(shown)[middle_of_line] > 80).all()
    assert yellow(shown)[middle_of_line].mean() > 150
    for place, level in ((inside > LINE_WIDTH + 3, GREY), (outside > 3, 0.55 * GREY)):
        assert place.sum() > 50
        assert np.abs(shown[place] - level).max() < 25
        assert np.abs(shown[place] - level).mean() < 3


@pytest.mark.parametrize(
    "places", [[(3, 3)], [(1, 1), (4, 5), (5, 5)], [(2, 2), (2, 3), (3, 2), (5, 2)]]
)
def test_thumbnails_outline_the_region_of_the_mask_and_darken_the_rest(places):
    response = hot_spots(*places)
    shown = drawn(response, 0.25)
    assert shown.shape == (SIDE, SIDE, 3)
    assert_region_shown(shown, region_of(response, 0.25))


def test_there_is_no_line_where_the_region_meets_the_border_of_the_picture():
    response = np.zeros((7, 7), np.float32)
    response[:, :4] = 1
    shown, region = drawn(response, 0.5), region_of(response, 0.5)
    assert region[:, 0].all()
    assert_region_shown(shown, region)
    for border in (shown[:, 0], shown[0, :60], shown[-1, :60]):
        assert np.abs(border - GREY).max() < 25


@pytest.mark.parametrize(("response", "level"), [(1, GREY), (0, 0.55 * GREY)])
def test_pictures_within_the_region_are_as_they_are_and_those_without_one_all_dark(response, level):
    shown = drawn(np.full((7, 7), response, np.float32), 0.5)
    assert np.abs(shown - level).max() < 6


def test_thumbnails_show_the_image():
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    picture = np.kron(coarse, np.ones((50, 50, 1), np.uint8))
    shown = drawn(np.ones((7, 7), np.float32), 0.5, picture)
    centres = (np.arange(4) + 0.5) * SIDE // 4
    found = shown[np.ix_(centres.astype(int), centres.astype(int))]
    assert np.abs(found - coarse.astype(int)).max() < 30


@pytest.mark.parametrize("side", [16, 55, 96])
def test_thumbnails_have_the_wanted_size_even_a_very_small_one(side):
    picture = np.full((64, 64, 3), GREY, np.uint8)
    shown = drawn(hot_spots((3, 3)), 0.25, picture, side)
    assert shown.shape == (side, side, 3)
    assert yellow(shown).max() > 50
    corner, middle = shown[0, 0].mean(), shown[side // 2, side // 2].mean()
    assert corner == pytest.approx(0.55 * GREY, abs=12)
    assert middle > corner + 40
