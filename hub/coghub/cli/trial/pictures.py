"""Images as pixels: how large they are, and how far one is from another.

Pillow reads them; it is imported when one is compared.
"""

import io
from typing import Any

FULL = 255.0
"""The largest value of a channel."""


def size_of(content: bytes) -> tuple[int, int] | None:
    """Return width and height; None if it is no image."""
    image = _opened(content)
    return None if image is None else (image.width, image.height)


def distance(one: bytes, other: bytes) -> float | str:
    """Return the mean difference of all channels of all pixels, from 0 to 1.

    A text says why there is none.
    """
    from PIL import ImageChops, ImageStat  # noqa: PLC0415 - see above

    images = [_opened(content) for content in (one, other)]
    if images[0] is None or images[1] is None:
        return "the expected file is no image" if images[0] is None else "the output is no image"
    sizes = [f"{image.width}x{image.height}" for image in images if image]
    if sizes[0] != sizes[1]:
        return f"expected {sizes[0]} pixels, got {sizes[1]}"
    has_alpha = any("A" in image.getbands() or "transparency" in image.info for image in images)
    first, second = (image.convert("RGBA" if has_alpha else "RGB") for image in images)
    means = ImageStat.Stat(ImageChops.difference(first, second)).mean
    return sum(means) / len(means) / FULL


def _opened(content: bytes) -> Any:
    """Return an image with its pixels read; None if that cannot be done."""
    from PIL import Image  # noqa: PLC0415 - see above

    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return image
