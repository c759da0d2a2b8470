"""From an image file to a square uint8 RGB array."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from anatomy.errors import InputError

# The file's content decides, not its extension. The list leaves out the formats that Pillow reads
# by running other programs.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM", "GIF")

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

WHITE_16_BIT = 65535


def decode(path: Path, resize: int, size: int) -> NDArray[np.uint8]:
    """Read an image file as a network is shown it.

    The picture is turned upright (EXIF), brought to RGB on a white ground, resized so that its
    shorter side has `resize` pixels (bilinear with antialiasing), and its centre is cut out: the
    same pixels as torchvision's `Resize(resize)` and `CenterCrop(size)` give for an RGB Pillow
    image. Of several frames the first is taken.

    Parameters
    ----------
    path : image file of any format in `FORMATS`, whatever its extension
    resize : pixels of the shorter side before the crop
    size : pixels of each side of the crop, at most `resize`

    Returns
    -------
    uint8 (size, size, 3)

    Raises
    ------
    InputError
        naming the file, if it cannot be read or is not a whole image. Damage that leaves a valid
        JPEG stream cannot be told from a picture, since JPEG carries no checksum.
    """
    if not 0 < size <= resize:
        raise InputError(f"size = {size}: must be from 1 to resize = {resize}")
    try:
        return _centre(_resized(_read(Path(path)), resize), size)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    # Pillow's decoders meet damaged files with errors of a dozen types
    except Exception as error:
        raise InputError(f"{path}: {_reason(path, error)}") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """An RGB image from a loaded Pillow image of any mode that has a defined white; transparency
    shows white.

    16-bit greys keep their high byte, as Pillow reads 16-bit colour.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = _grey_from_16_bit(image)
    if image.mode == "F":
        raise InputError("holds floating-point values, for which no white is defined")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def without_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image (y, x, channel) in greys: its luma (ITU-R BT.601) in all three channels."""
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def refuse_no_file(path: Path) -> None:
    """Raise InputError for what can be opened and is no file: a pipe would be waited for without end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError("is not a file")


def _read(path: Path) -> Image.Image:
    refuse_no_file(path)
    with Image.open(path, formats=FORMATS) as image:
        _refuse_giant(image.size)
        image.load()
        # read after loading: the TIFF reader turns the picture itself and then drops the entry
        turn = UPRIGHT.get(_orientation(image))
        rgb = to_rgb(image)
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1


def _grey_from_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > WHITE_16_BIT:
        raise InputError("holds integers beyond 16 bits, for which no white is defined")
    grey = (values >> 8).astype(np.uint8)
    grey[values == image.info.get("transparency")] = 255
    return Image.fromarray(grey)


def _resized(image: Image.Image, shorter: int) -> Image.Image:
    width, height = image.size
    longer = int(shorter * max(width, height) / min(width, height))
    new = (shorter, longer) if width <= height else (longer, shorter)
    if new == image.size:
        return image
    _refuse_giant(new)
    return image.resize(new, Image.Resampling.BILINEAR)


def _centre(image: Image.Image, size: int) -> NDArray[np.uint8]:
    left, top = (round((side - size) / 2) for side in image.size)
    return np.array(image.crop((left, top, left + size, top + size)))


def _refuse_giant(size: tuple[int, int]) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and size[0] * size[1] > limit:
        raise InputError(f"takes {size[0]} x {size[1]} pixels, more than the {limit} allowed")


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror})"
    if path.stat().st_size == 0:
        return "is empty (0 bytes)"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"is not an image in one of the formats {', '.join(FORMATS)}"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"takes more than the {Image.MAX_IMAGE_PIXELS} pixels allowed"
    return f"cannot be decoded as a whole image ({error})"
