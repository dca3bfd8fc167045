"""Images, arrays and bytes as files."""

import io
from pathlib import Path
from typing import Any

import pytest

from cog.adapters import Adapted, adapted
from cog.errors import OutputError
from cog.output import encode


def written(made: Adapted | None) -> tuple[bytes, str]:
    assert made is not None
    file = io.BytesIO()
    made.write(file)
    return file.getvalue(), made.suffix


@pytest.fixture
def numpy() -> Any:
    return pytest.importorskip("numpy")


@pytest.fixture
def pil() -> Any:
    return pytest.importorskip("PIL.Image")


def reopened(pil: Any, image_format: str) -> Any:
    buffer = io.BytesIO()
    pil.new("RGB", (4, 3), "red").save(buffer, image_format)
    return pil.open(buffer)


@pytest.mark.parametrize(
    ("image_format", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tiff")],
)
def test_an_image_that_was_opened_keeps_its_format(pil, image_format: str, suffix: str) -> None:
    body, found = written(adapted(reopened(pil, image_format), wants_file=True))

    assert found == suffix
    assert pil.open(io.BytesIO(body)).format == image_format


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("RGB", ".png"),
        ("RGBA", ".png"),
        ("L", ".png"),
        ("1", ".png"),
        ("CMYK", ".tiff"),
        ("F", ".tiff"),
    ],
)
def test_a_new_image_becomes_png_or_what_can_hold_it(pil, mode: str, suffix: str) -> None:
    body, found = written(adapted(pil.new(mode, (4, 3)), wants_file=True))

    assert found == suffix
    assert pil.open(io.BytesIO(body)).size == (4, 3)


def test_an_image_that_cannot_be_saved_is_an_error(pil) -> None:
    with pytest.raises(OutputError, match=r"^Failed to save an image of mode RGB as PNG or TIFF$"):
        adapted(pil.new("RGB", (0, 0)), wants_file=True)


def test_an_image_is_a_file_wherever_it_stands(pil, tmp_path: Path) -> None:
    """It can mean nothing else, so it needs no annotation."""
    encoded = encode({"mask": pil.new("L", (1, 1))}, directory=str(tmp_path))

    assert encoded.value == {"mask": None}
    assert encoded.files[0].name.endswith(".png")


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4)])
def test_an_array_of_pixels_becomes_png(numpy, pil, shape: tuple[int, ...]) -> None:
    array = numpy.arange(numpy.prod(shape), dtype="uint8").reshape(shape)

    body, suffix = written(adapted(array, wants_file=True))

    assert suffix == ".png"
    assert (numpy.asarray(pil.open(io.BytesIO(body))).reshape(shape) == array).all()


def test_an_array_that_lies_otherwise_in_memory_is_the_same_image(numpy, pil) -> None:
    array = numpy.arange(24, dtype="uint8").reshape(2, 4, 3)[:, ::-1]

    body, _ = written(adapted(array, wants_file=True))

    assert (numpy.asarray(pil.open(io.BytesIO(body))) == array).all()


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((2, 3), "float32"), ((5,), "uint8"), ((2, 2, 2, 3), "uint8"), ((0, 3), "uint8")],
)
def test_another_array_becomes_npy(numpy, shape: tuple[int, ...], kind: str) -> None:
    array = numpy.ones(shape, dtype=kind)

    body, suffix = written(adapted(array, wants_file=True))

    assert suffix == ".npy"
    loaded = numpy.load(io.BytesIO(body))
    assert loaded.dtype == array.dtype
    assert loaded.shape == shape


def test_an_array_of_objects_is_an_error(numpy) -> None:
    with pytest.raises(OutputError, match="array of Python objects"):
        adapted(numpy.array([object()]), wants_file=True)


def test_a_tensor_is_an_array(numpy) -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return numpy.zeros((1, 1), dtype="uint8")

    assert written(adapted(Tensor(), wants_file=True))[1] == ".png"


def test_a_tensor_that_cannot_be_read_is_an_error(numpy) -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise TypeError("it is on a GPU")

    with pytest.raises(OutputError, match=r"^Failed to read an array of Tensor: it is on a GPU$"):
        adapted(Tensor(), wants_file=True)


def test_an_array_that_is_no_file_is_numbers(numpy, tmp_path: Path) -> None:
    array = numpy.zeros((1, 2), dtype="uint8")

    assert adapted(array, wants_file=False) is None
    assert encode(array, directory=str(tmp_path)).value == [[0, 0]]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_become_a_file_of_their_kind(kind: type) -> None:
    assert written(adapted(kind(b"%PDF-1.7"), wants_file=True)) == (b"%PDF-1.7", ".pdf")


@pytest.mark.parametrize("value", [None, 1, "text", object(), []])
def test_other_values_are_left_alone(value: Any) -> None:
    assert adapted(value, wants_file=True) is None
