"""An image file of any kind is read right or refused in one line that names it."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from properties import changed_bytes, examples, read_or_refused

from anatomy.errors import InputError
from anatomy.stimuli.broden_pixels import read_image, read_label_image
from anatomy.stimuli.images import FORMATS, decode

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, on damaged files
SIDE = 24
MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"]
MODES += ["LAB", "La", "RGBa"]


def picture(seed=0, width=SIDE, height=SIDE):
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


WHOLE = {kind: encoded(picture(), kind) for kind in FORMATS}
LABELS = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
LABELS[..., 2] = 0
LABEL_IMAGE = encoded(Image.fromarray(LABELS), "PNG")
READERS = {
    "decode": lambda path: decode(path, SIDE, SIDE),
    "resized": lambda path: decode(path, 11, 7),
    "image": lambda path: read_image(path, SIDE),
    "labels": lambda path: read_label_image(path, SIDE),
}
SHAPES = {"decode": (SIDE, SIDE, 3), "resized": (7, 7, 3), "image": (SIDE, SIDE, 3)}


def read(folder, data, reader, name="x.jpg"):
    """What a reader makes of a file; None where it refuses it."""
    path = folder / name
    path.write_bytes(data)
    found = read_or_refused(lambda: READERS[reader](path), path)
    if found is not None:
        assert found.shape == SHAPES.get(reader, (SIDE, SIDE))
        assert found.dtype == (np.uint16 if reader == "labels" else np.uint8)
    return found


@pytest.mark.parametrize("reader", READERS)
@examples(40)
@given(
    start=st.sampled_from([b"", *(data[:16] for data in WHOLE.values())]),
    data=st.binary(max_size=200),
)
def test_random_bytes_are_refused(tmp_path, reader, start, data):
    assert read(tmp_path, start + data, reader) is None


@pytest.mark.parametrize("reader", READERS)
@examples(60)
@given(kind=st.sampled_from(FORMATS), data=st.data())
def test_changed_bytes_are_refused_or_give_some_picture(tmp_path, reader, kind, data):
    read(tmp_path, changed_bytes(WHOLE[kind], data), reader)


@pytest.mark.parametrize("reader", ["decode", "image", "labels"])
@examples(80)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_wrong_bit_of_a_png_never_changes_a_pixel(tmp_path, reader, place, bit):
    whole = LABEL_IMAGE if reader == "labels" else WHOLE["PNG"]
    data = bytearray(whole)
    data[int(place * len(data))] ^= 1 << bit
    found = read(tmp_path, bytes(data), reader)
    if found is not None:
        np.testing.assert_array_equal(found, read(tmp_path, whole, reader))


@examples(60)
@given(
    mode=st.sampled_from(MODES),
    kind=st.sampled_from(FORMATS),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    name=st.sampled_from(["x", "x.txt", "x.JPEG", "x.png", "x.zip"]),
    exif=st.none() | st.binary(max_size=40) | st.integers(-2, 300),
)
def test_odd_modes_sizes_names_and_exif(tmp_path, mode, kind, size, name, exif):
    options = {}
    if isinstance(exif, int):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = exif % 65536
    elif exif is not None:
        options["exif"] = b"Exif\0\0" + exif
    try:
        data = encoded(Image.new(mode, size), kind, **options)
    except Exception:  # what cannot be written in that format
        return
    found = read(tmp_path, data, "resized", name)
    if mode in ("1", "L", "P", "RGB", "CMYK", "I;16"):
        assert found is not None
        # black, or white where no ink is; JPEG comes close
        assert np.ptp(found.astype(int)) <= 4
    assert read(tmp_path, data, "image", name) is None or size == (SIDE, SIDE)


def png(width, height, colour=2):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    lines = zlib.compress(bytes(10_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    )


def claiming(kind, width, height):
    """A small file of that format that claims to hold a picture of that size."""
    data = bytearray(WHOLE[kind])
    if kind == "PNG":
        return png(width, height)
    if kind == "PPM":
        return f"P6 {width} {height} 255\n".encode() + bytes(99)
    if kind == "GIF":
        data[6:10] = struct.pack("<HH", min(width, 65535), min(height, 65535))
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "JPEG":
        frame = data.index(b"\xff\xc0")
        data[frame + 5 : frame + 9] = struct.pack(">HH", min(height, 65535), min(width, 65535))
    elif kind == "TIFF":
        for tag, value in ((256, width), (257, height)):
            entry = data.index(struct.pack("<HH", tag, 3)[:2], 8)
            data[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize("reader", ["resized", "image", "labels"])
@pytest.mark.parametrize("kind", ["PNG", "PPM", "GIF", "BMP", "JPEG", "TIFF"])
@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (65535, 65535), (1, 2**31 - 1), (0, 5)])
def test_huge_and_empty_pictures_are_refused_before_they_are_decoded(
    tmp_path, monkeypatch, kind, size, reader
):
    monkeypatch.setattr(np, "array", lambda *_, **__: pytest.fail("decoded"))
    monkeypatch.setattr(np, "asarray", lambda *_, **__: pytest.fail("decoded"))
    if kind != "GIF" or min(size) > 1:  # its pictures have sizes of their own
        assert read(tmp_path, claiming(kind, *size), reader) is None


def test_a_picture_that_packs_small_and_unpacks_large_is_refused(tmp_path, monkeypatch):
    """10,000 x 10,000 pixels of one colour are 12 kB of PNG and 300 MB of memory."""
    data = encoded(Image.new("1", (10_000, 10_000)), "PNG")
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    for reader in READERS:
        assert read(tmp_path, data, reader) is None


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull), tmp_path, tmp_path / "absent.jpg"):
        for reader in READERS.values():
            with pytest.raises(InputError, match=path.name):
                reader(path)
