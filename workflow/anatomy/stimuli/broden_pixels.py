"""Pixels of a folder in Broden's layout: images and label images, refused by name where damaged."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anatomy.errors import InputError
from anatomy.stimuli.images import FORMATS, refuse_no_file, to_rgb

PNG_BIT_DEPTH = 24  # its place in the file


def read_image(path: Path, size: int) -> NDArray[np.uint8]:
    """An image as it lies in the file, brought to RGB: uint8 (size, size, 3).

    An orientation noted in the file (EXIF) is passed over, since labels belong to the stored pixels.

    Raises
    ------
    InputError
        naming the file, if it is not a whole image of that size
    """
    try:
        return np.array(to_rgb(_load(_bytes(path), size, FORMATS)))
    # Pillow's decoders meet damaged files with errors of a dozen types
    except Exception as error:
        raise InputError(f"{path}: {_reason(error)}") from error


def read_label_image(path: Path, size: int) -> NDArray[np.uint16]:
    """Label numbers (size, size) of a label image: red + 256 * green, 0 where unlabelled.

    Raises
    ------
    InputError
        naming the file, if it is not a whole PNG of that size with 8 bits of red and green and no blue
    """
    try:
        data = _bytes(path)
        image = _load(data, size, ("PNG",))
        # of 16 bits Pillow would keep the upper 8
        if image.mode not in ("RGB", "P") or data[PNG_BIT_DEPTH] > 8:
            raise InputError(
                f"has mode {image.mode} with {data[PNG_BIT_DEPTH]} bits, but label images are RGB with 8 bits"
            )
        channels = np.asarray(image.convert("RGB"))
        if channels[..., 2].any():
            raise InputError("has blue pixels, but a label number is red + 256 * green")
    except Exception as error:
        raise InputError(f"{path}: {_reason(error)}") from error
    # 256 * green does not fit the bytes that the channels are
    return channels[..., 0] | channels[..., 1].astype(np.uint16) << 8


def _bytes(path: Path) -> bytes:
    refuse_no_file(path)
    data = path.read_bytes()
    if not data:
        raise InputError("is empty (0 bytes)")
    return data


def _load(data: bytes, size: int, formats: tuple[str, ...]) -> Image.Image:
    with Image.open(BytesIO(data), formats=formats) as image:
        if image.size != (size, size):
            width, height = image.size
            raise InputError(f"is {width} x {height} pixels, not {size} x {size}")
        # the checksums of a PNG, which decoding does not look at
        image.verify()
    with Image.open(BytesIO(data), formats=formats) as image:
        image.load()
    return image


def _reason(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, Image.UnidentifiedImageError):
        return "is not an image in a format that is read here"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror})"
    return f"cannot be decoded as a whole image ({error})"
