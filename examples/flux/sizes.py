"""How large pictures are: in pixels, multiples of 16, as Flux wants them."""

from typing import NamedTuple

ASPECT_RATIOS = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
"""Width and height at one megapixel; half of each is a quarter of one."""
MEGAPIXELS = {"1": 1.0, "0.25": 0.5}
"""Choices, and what each makes of a width and a height."""
MULTIPLE = 16
"""The autoencoder makes one number of 8 pixels, and the transformer one token of two of those."""
SMALLEST, LARGEST = 64, 2048
"""Of a width or height that somebody chooses."""


class Size(NamedTuple):
    """A width and a height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def size_of(aspect_ratio: str, megapixels: str) -> Size:
    """Return the size of a choice."""
    factor = MEGAPIXELS[megapixels]
    width, height = ASPECT_RATIOS[aspect_ratio]
    return Size(round(width * factor), round(height * factor))


def rounded(width: float, height: float) -> Size:
    """Return the nearest size that can be made."""
    return Size(*(max(MULTIPLE, round(it / MULTIPLE) * MULTIPLE) for it in (width, height)))


def like(picture: Size, megapixels: str) -> Size:
    """Return a size of a picture's shape, with as many pixels as a square of the choice has."""
    square = size_of("1:1", megapixels)
    factor = (square.width * square.height / (picture.width * picture.height)) ** 0.5
    return rounded(
        *(min(LARGEST, max(SMALLEST, it * factor)) for it in (picture.width, picture.height))
    )
