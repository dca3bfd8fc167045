"""PNG files, read back by another program."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog import png


@st.composite
def images(draw: st.DrawFn) -> tuple[bytes, tuple[int, ...]]:
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    channels = draw(st.sampled_from([(), (1,), (3,), (4,)]))
    size = height * width * (channels or (1,))[0]
    return draw(st.binary(min_size=size, max_size=size)), (height, width, *channels)


@given(images())
def test_an_image_can_be_read_back(image: tuple[bytes, tuple[int, ...]]) -> None:
    pil = pytest.importorskip("PIL.Image")
    samples, shape = image

    read = pil.open(io.BytesIO(png.encoded(samples, shape)))

    assert read.size == (shape[1], shape[0])
    assert read.mode == {1: "L", 3: "RGB", 4: "RGBA"}[(*shape, 1)[2]]
    assert read.tobytes() == samples


def test_a_file_follows_the_specification() -> None:
    file = png.encoded(bytes([1, 2, 250, 1]), (2, 2))

    body = zlib.decompress(file[file.index(b"IDAT") + 4 : -16])
    assert file.startswith(b"\x89PNG\r\n\x1a\n" + struct.pack("!I", 13) + b"IHDR")
    assert body == bytes([2, 1, 2]) + bytes([2, 249, 255])
    assert file.endswith(b"IEND\xaeB`\x82")


@pytest.mark.parametrize("shape", [(1, 1), (2, 3, 1), (2, 3, 3), (2, 3, 4)])
def test_images_have_rows_columns_and_channels(shape: tuple[int, ...]) -> None:
    assert png.fits(shape)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 2), (2, 3, 5), (1, 2, 3, 3), (0, 3), (3, 0, 3)])
def test_other_shapes_are_no_images(shape: tuple[int, ...]) -> None:
    assert not png.fits(shape)
