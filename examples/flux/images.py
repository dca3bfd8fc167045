"""Pictures in and out."""

from pathlib import Path

from PIL import Image, ImageOps

from sizes import Size

FORMATS = {"webp": "WEBP", "jpg": "JPEG", "png": "PNG"}
"""Choices, which are also the files' endings, and Pillow's names for them."""


def opened(path: Path, name: str) -> Image.Image:
    """Return an upright picture in RGB; what is transparent is white.

    Raises:
        ValueError: if it is none; the message says which input that was, its `name`.
    """
    try:
        with Image.open(path) as file:
            upright = ImageOps.exif_transpose(file)
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            layers = upright.convert("RGBA")
            ground = Image.new("RGBA", layers.size, "white")
            return Image.alpha_composite(ground, layers).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is no picture that can be read: {error}") from error


def resized(picture: Image.Image, size: Size) -> Image.Image:
    """Return the picture's middle in that size: cut where its shape is another."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def saved(picture: Image.Image, path: Path, quality: int) -> Path:
    """Write a picture as its path's ending says; `quality`, 0 to 100, is for webp and jpg."""
    options = {} if path.suffix == ".png" else {"quality": quality}
    picture.save(path, FORMATS[path.suffix.removeprefix(".")], **options)
    return path
