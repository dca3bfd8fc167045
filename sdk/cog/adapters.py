"""Things that are no file yet but mean one: images, arrays, bytes.

The libraries are the model's own.
None is imported here: a value of one can only exist where it is loaded.
"""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from cog import content, png
from cog.errors import OutputError

IMAGE_SUFFIXES = {"JPEG": ".jpg", "TIFF": ".tiff", "JPEG2000": ".jp2", "ICO": ".ico"}
"""Where the suffix is not the format in lower case."""
SAVE_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": "keep"}}
"""A JPEG that was opened and sent on loses nothing."""


@dataclass(frozen=True)
class Adapted:
    """A file to be made."""

    write: Callable[[BinaryIO], Any]
    suffix: str


def adapted(value: Any, *, wants_file: bool) -> Adapted | None:
    """Return how a value becomes a file, or None if it is none.

    Args:
        value: A PIL image; where a file is wanted, also an array or bytes.
        wants_file: The annotation says so: an array elsewhere is numbers, and bytes are a mistake.
    """
    if _is_pil_image(value):
        return _image(value)
    if wants_file and isinstance(value, (bytes, bytearray, memoryview)):
        return _ready(bytes(value), content.suffix_of(bytes(value)))
    if wants_file and hasattr(value, "__array__") and "numpy" in sys.modules:
        return _array(value, sys.modules["numpy"])
    return None


def _ready(body: bytes, suffix: str) -> Adapted:
    return Adapted(lambda file: file.write(body), suffix)


def _is_pil_image(value: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _image(image: Any) -> Adapted:
    """Keep the format of an image that was opened and sent on; anything else becomes PNG."""
    for image_format in (image.format, "PNG", "TIFF"):
        body = _saved(image, image_format) if image_format else None
        if body is not None:
            suffix = IMAGE_SUFFIXES.get(image_format, f".{image_format.lower()}")
            return _ready(body, suffix)
    raise OutputError(f"Failed to save an image of mode {image.mode} as PNG or TIFF")


def _saved(image: Any, image_format: str) -> bytes | None:
    """Return an image file, or None if the format cannot hold this image."""
    buffer = io.BytesIO()
    options = SAVE_OPTIONS.get(image_format, {})
    is_animated = getattr(image, "is_animated", False)
    try:
        image.save(buffer, format=image_format, save_all=is_animated, **options)
    except (OSError, KeyError, ValueError, TypeError):
        return None
    return buffer.getvalue()


def _array(value: Any, numpy: Any) -> Adapted:
    try:
        array = numpy.asarray(value)
    except Exception as error:
        raise OutputError(f"Failed to read an array of {type(value).__name__}: {error}") from error
    if array.dtype.name == "uint8" and png.fits(array.shape):
        body = png.encoded(array.tobytes(), array.shape)
        return _ready(body, ".png")
    if array.dtype.hasobject:
        raise OutputError("Failed to save an array of Python objects as .npy")
    return Adapted(lambda file: numpy.save(file, array, allow_pickle=False), ".npy")
