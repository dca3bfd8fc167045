import base64

import pytest

from coghub.cli.attachments import MAX_INLINE_BYTES, filled
from coghub.cli.input_text import inputs_of_flags
from coghub.domain.errors import InputInvalid

FILE = {"type": "string", "format": "uri"}
PROPERTIES = {
    "image": FILE,
    "images": {"type": "array", "items": FILE},
    "text": {"type": "string"},
}


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(b"pixels")
    return path


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_INLINE_BYTES + 1)
    return path


def fill(*flags):
    return filled(inputs_of_flags(flags, PROPERTIES), PROPERTIES, lambda path: f"served:{path}")


def test_a_small_file_travels_in_the_request(small):
    encoded = base64.b64encode(b"pixels").decode()

    assert fill(f"image=@{small}") == {"image": f"data:image/png;base64,{encoded}"}


def test_a_large_file_is_served(large):
    assert fill(f"image=@{large}") == {"image": f"served:{large}"}


def test_each_file_of_a_list_travels_as_its_size_wants(small, large):
    first, second, third = fill(f"images=@{small}", "images=https://x/y", f"images=@{large}")[
        "images"
    ]

    assert first.startswith("data:")
    assert second == "https://x/y"
    assert third == f"served:{large}"


def test_an_input_that_is_text_gets_the_content_whatever_its_size(large):
    assert fill(f"text=@{large}")["text"].startswith("data:image/png;base64,AAAA")


def test_a_file_that_vanished_meanwhile_is_told(small):
    inputs = inputs_of_flags([f"image=@{small}"], PROPERTIES)
    small.unlink()

    with pytest.raises(InputInvalid, match=r'input "image": open .*: no such file or directory'):
        filled(inputs, PROPERTIES, str)
