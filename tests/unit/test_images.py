"""Image files of every kind become the uint8 RGB square that torchvision's transforms give."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from anatomy.errors import InputError
from anatomy.stimuli.images import decode

PHOTOGRAPHS = Path(__file__).parents[2] / ".." / "shared" / "data" / "imagenet1000x1"
PER_TEST_FOLDER = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
LOSSLESS = ["PNG", "TIFF", "BMP", "PPM"]


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A smooth random picture without symmetry."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height)))


def saved(path: Path, image: Image.Image, kind: str, **options) -> Path:
    image.save(path, kind, **options)
    return path


def whole(path: Path) -> np.ndarray:
    """A square image as it is, neither resized nor cropped."""
    with Image.open(path) as image:
        side = image.size[0]
    return decode(path, side, side)


def png(values: np.ndarray, colour_type: int, transparent: tuple[int, ...] = ()) -> bytes:
    """A 16-bit PNG made by hand after its specification, since Pillow writes no 16-bit colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = values.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
        + (
            chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))
            if transparent
            else b""
        )
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


@PER_TEST_FOLDER
@given(
    width=st.integers(1, 200),
    height=st.integers(1, 200),
    resize=st.integers(1, 70),
    data=st.data(),
)
def test_resize_and_crop_equal_torchvision(tmp_path, width, height, resize, data):
    size = data.draw(st.integers(1, resize))
    image = Image.fromarray(picture(width, height))
    path = saved(tmp_path / "x.png", image, "PNG")
    expected = Compose([Resize(resize), CenterCrop(size)])(image)
    result = decode(path, resize, size)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, np.asarray(expected))


def test_photographs_equal_torchvision():
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"{PHOTOGRAPHS} is absent")
    transform = Compose([Resize(256), CenterCrop(224)])
    for path in sorted(PHOTOGRAPHS.iterdir())[::100]:
        with Image.open(path) as image:
            expected = transform(image.convert("RGB"))
        np.testing.assert_array_equal(decode(path, 256, 224), np.asarray(expected))


@pytest.mark.parametrize("kind", LOSSLESS)
def test_rgb_is_stored_as_it_is(tmp_path, kind):
    array = picture(16, 16)
    path = saved(tmp_path / "x.png", Image.fromarray(array), kind)
    np.testing.assert_array_equal(whole(path), array)


@PER_TEST_FOLDER
@given(seed=st.integers(0, 1000), mode=st.sampled_from(["RGBA", "LA"]))
def test_transparent_pixels_are_mixed_with_white(tmp_path, seed, mode):
    generator = np.random.default_rng(seed)
    array = generator.integers(0, 256, (6, 6, 4 if mode == "RGBA" else 2), dtype=np.uint8)
    path = saved(tmp_path / "x.png", Image.fromarray(array, mode), "PNG")
    alpha = array[..., -1:] / 255
    expected = array[..., :-1] * alpha + 255 * (1 - alpha)
    assert np.abs(whole(path) - np.broadcast_to(expected, (6, 6, 3))).max() <= 1


def test_palette_with_transparency(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    path = saved(tmp_path / "x.png", image, "PNG", transparency=bytes([255, 0, 255, 255]))
    assert whole(path).tolist() == [[[255, 0, 0], [255] * 3], [[0, 0, 255], [9] * 3]]


def test_palette_without_transparency(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    image.putpalette([200, 10, 0, 0, 250, 30])
    path = saved(tmp_path / "x.gif", image, "GIF")
    assert whole(path).tolist() == [[[200, 10, 0], [0, 250, 30]], [[0, 250, 30], [200, 10, 0]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_one_bit_is_black_and_white(tmp_path, kind):
    image = Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).convert("1")
    assert whole(saved(tmp_path / "x", image, kind))[..., 1].tolist() == [[0, 255], [255, 255]]


@PER_TEST_FOLDER
@given(seed=st.integers(0, 1000), kind=st.sampled_from(["PNG", "TIFF", "PPM"]))
def test_16_bit_grey_is_scaled(tmp_path, seed, kind):
    values = np.random.default_rng(seed).integers(0, 65536, (5, 5)).astype(np.uint16)
    path = saved(tmp_path / "x", Image.fromarray(values), kind)
    result = whole(path)
    assert np.abs(result - (values / 257)[..., None]).max() <= 1
    assert (result == result[..., :1]).all()


def test_16_bit_grey_in_big_endian_tiff(tmp_path):
    values = np.array([[0, 65535], [32768, 4660]], ">u2")
    image = Image.frombytes("I;16B", (2, 2), values.tobytes())
    path = saved(tmp_path / "x.tiff", image, "TIFF")
    assert whole(path)[..., 0].tolist() == [[0, 255], [128, 0x12]]


def test_16_bit_colour_is_scaled_like_16_bit_grey(tmp_path):
    grey = np.random.default_rng(0).integers(0, 65536, (8, 8))
    (tmp_path / "grey.png").write_bytes(png(grey, 0))
    (tmp_path / "colour.png").write_bytes(png(np.stack([grey] * 3, 2), 2))
    np.testing.assert_array_equal(whole(tmp_path / "grey.png"), whole(tmp_path / "colour.png"))


def test_16_bit_grey_with_a_transparent_value(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(png(np.array([[5000, 5001], [0, 60000]]), 0, (5001,)))
    assert whole(path)[..., 2].tolist() == [[5000 >> 8, 255], [0, 60000 >> 8]]


CMYK = {
    "cyan": (255, 0, 0, 0),
    "red": (0, 255, 255, 0),
    "white": (0, 0, 0, 0),
    "dark": (0, 0, 0, 200),
}
CMYK_AS_RGB = {"cyan": (0, 255, 255), "red": (255, 0, 0), "white": (255,) * 3, "dark": (55,) * 3}


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("name", CMYK)
def test_cmyk(tmp_path, kind, name):
    path = saved(tmp_path / "x.JPEG", Image.new("CMYK", (16, 16), CMYK[name]), kind)
    assert np.abs(whole(path).astype(int) - CMYK_AS_RGB[name]).max() <= 4


def test_ycck_jpeg(tmp_path):
    """YCCK after libjpeg's notes: Y, Cb, Cr of 1 - C, 1 - M, 1 - Y; Adobe's C, M, Y, K inverted.

    Pillow writes no YCCK, so the channels are written as if they were CMYK (which Pillow inverts)
    and the transform byte of the Adobe marker is set to 2.
    """
    rgb = (200, 40, 90)
    ink = [255 - value for value in rgb]
    y = 0.299 * ink[0] + 0.587 * ink[1] + 0.114 * ink[2]
    cb, cr = 128 + (ink[2] - y) / 1.772, 128 + (ink[0] - y) / 1.402
    inverted = tuple(255 - round(value) for value in (y, cb, cr, 255))
    buffer = io.BytesIO()
    Image.new("CMYK", (16, 16), inverted).save(buffer, "JPEG", quality=100)
    data = bytearray(buffer.getvalue())
    transform = data.index(b"Adobe") + 11
    assert data[transform] == 0
    data[transform] = 2
    (tmp_path / "x.jpg").write_bytes(data)
    assert np.abs(whole(tmp_path / "x.jpg").astype(int) - rgb).max() <= 4


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """The EXIF standard: where the 0th row and 0th column of the stored picture are seen."""
    row_and_column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }
    row, column = row_and_column[orientation]
    rows, columns = stored.shape[:2]
    height, width = (rows, columns) if row in ("top", "bottom") else (columns, rows)
    seen = np.empty((height, width, 3), np.uint8)
    for r in range(rows):
        for c in range(columns):
            place = {"top": 0, "left": 0, "bottom": height - 1, "right": width - 1}
            at = {}
            for side, step in ((row, r), (column, c)):
                axis = "y" if side in ("top", "bottom") else "x"
                at[axis] = place[side] + (step if side in ("top", "left") else -step)
            seen[at["y"], at["x"]] = stored[r, c]
    return seen


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_applied(tmp_path, kind, orientation):
    stored = picture(30, 20)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    path = saved(tmp_path / "x", Image.fromarray(stored), kind, exif=exif, **options)
    expected = Compose([Resize(20), CenterCrop(20)])(Image.fromarray(upright(stored, orientation)))
    tolerance = 6 if kind == "JPEG" else 0
    assert np.abs(decode(path, 20, 20).astype(int) - np.asarray(expected)).max() <= tolerance


def test_damaged_exif_says_nothing_about_the_pixels(tmp_path):
    array = picture(16, 16)
    path = saved(
        tmp_path / "x.png", Image.fromarray(array), "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff"
    )
    np.testing.assert_array_equal(whole(path), array)


def test_a_png_called_jpeg_is_read(tmp_path):
    """ImageNet's n02105855_2933.JPEG is a PNG."""
    array = picture(16, 16)
    path = saved(tmp_path / "n02105855_2933.JPEG", Image.fromarray(array), "PNG")
    np.testing.assert_array_equal(whole(path), array)


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@PER_TEST_FOLDER
@given(
    kind=st.sampled_from(["JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM", "GIF"]), cut=st.floats(0, 1)
)
def test_a_file_cut_anywhere_is_an_error_or_lacks_no_pixel(tmp_path, kind, cut):
    full = saved(tmp_path / "full", Image.fromarray(picture(40, 40)), kind)
    data = full.read_bytes()
    short = tmp_path / "short.jpg"
    short.write_bytes(data[: int(cut * len(data))])
    try:
        result = decode(short, 40, 40)
    except InputError as error:
        assert "short.jpg" in str(error)  # noqa: PT017 - either outcome is right
    else:
        np.testing.assert_array_equal(result, whole(full))


@pytest.mark.parametrize("progressive", [False, True])
def test_half_a_jpeg_is_an_error(tmp_path, progressive):
    path = tmp_path / "half.jpg"
    Image.fromarray(picture(64, 64)).save(path, progressive=progressive)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"half\.jpg: cannot be decoded as a whole image"):
        decode(path, 64, 64)
    # what a copy to a full disk leaves: the right length, the rest zeros
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    with pytest.raises(InputError, match=r"half\.jpg"):
        decode(path, 64, 64)


def test_a_png_with_a_wrong_bit_is_an_error(tmp_path):
    path = saved(tmp_path / "x.png", Image.fromarray(picture(64, 64)), "PNG")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\.png"):
        decode(path, 64, 64)


def test_unreadable_files_are_named_with_the_reason(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "program.jpg").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n"
    )
    for name, reason in {
        "empty.jpg": "empty",
        "text.jpg": "not an image",
        "program.jpg": "not an image",
        "folder.jpg": "cannot be read",
        "absent.jpg": "No such file",
    }.items():
        with pytest.raises(InputError, match=f"{name}: .*{reason}"):
            decode(tmp_path / name, 8, 8)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [11, 20])
def test_decompression_bombs_are_refused(tmp_path, monkeypatch, side):
    """Pillow only warns from one to two times its limit."""
    path = saved(tmp_path / "bomb.png", Image.new("RGB", (side, side)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"bomb\.png: takes .*more than the 100"):
        decode(path, 8, 8)


def test_a_sliver_that_would_grow_huge_is_refused(tmp_path):
    path = saved(tmp_path / "sliver.png", Image.new("L", (1, 4000)), "PNG")
    with pytest.raises(InputError, match=r"sliver\.png: takes 256 x 1024000 pixels"):
        decode(path, 256, 224)


@pytest.mark.parametrize(("mode", "value"), [("F", 0.5), ("I", 70000), ("I", -1)])
def test_values_without_a_defined_white_are_refused(tmp_path, mode, value):
    path = saved(tmp_path / "x.tiff", Image.new(mode, (8, 8), value), "TIFF")
    with pytest.raises(InputError, match=r"x\.tiff: holds .* no white is defined"):
        decode(path, 8, 8)


def test_a_crop_larger_than_the_resized_image_is_refused(tmp_path):
    with pytest.raises(InputError, match="size = 9"):
        decode(tmp_path / "x.png", 8, 9)
