import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from coghub.cli.trial.likeness import Likeness
from coghub.cli.trial.outcome import OutputFile, StoredFile

FILES = st.builds(OutputFile, st.binary(max_size=5))
SCALARS = st.none() | st.booleans() | st.integers() | st.text() | FILES
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(), it, max_size=3),
)


def png(colour, size=(4, 4), mode="RGB"):
    content = io.BytesIO()
    Image.new(mode, size, colour).save(content, "PNG")
    return OutputFile(content.getvalue(), ".png")


@given(VALUES, st.booleans(), st.sampled_from([0.0, 0.1]))
def test_every_value_is_like_itself(value, is_subset, tolerance):
    assert Likeness(tolerance, is_subset=is_subset).difference(value, value) is None


@given(VALUES, VALUES)
def test_without_a_tolerance_only_equal_values_are_alike(one, other):
    """Equal as JSON has it: 1 is 1.0, and true is not 1. A text may be the content of a file."""
    difference = Likeness().difference(one, other)

    if difference is None and "OutputFile" not in repr(one):
        assert one == other


@given(st.dictionaries(st.text(), VALUES), st.dictionaries(st.text(), VALUES))
def test_a_subset_may_be_more(wanted, more):
    given_ = {**more, **wanted}

    assert Likeness(is_subset=True).difference(wanted, given_) is None


@pytest.mark.parametrize(
    ("wanted", "got", "reason"),
    [
        ("a", "b", 'expected "a", got "b"'),
        (1, True, "expected 1, got true"),
        (True, 1, "expected true, got 1"),
        (None, "", 'expected null, got ""'),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1]: expected 2, got 3"),
        ({"a": 1}, {}, "a: missing"),
        ({}, {"b": 1}, "has a field that was not expected: b"),
        ([1], [1, 2], "expected 1 item, got 2 items"),
        ([1], 1, "expected [1], got 1"),
        ("x" * 90 + "a", "x" * 90 + "b", "from character 91 on expected"),
    ],
)
def test_a_difference_is_told_with_its_place(wanted, got, reason):
    assert Likeness().difference(wanted, got).startswith(reason)


def test_numbers_may_differ_by_the_tolerance():
    near = Likeness(0.1)

    assert near.difference({"score": [0.5]}, {"score": [0.58]}) is None
    assert near.difference(0.5, 0.61) == "expected 0.5, got 0.61"
    assert near.difference(1, given=True) == "expected 1, got true"


def test_a_text_that_holds_json_is_like_the_object_in_it():
    assert Likeness(is_subset=True).difference({"a": 1}, '{"a": 1, "b": 2}') is None
    assert Likeness().difference([1], "[1, 2]") == "expected 1 item, got 2 items"
    assert Likeness().difference({"a": 1}, "{") == 'expected {"a": 1}, got "{"'


def test_files_are_alike_by_their_bytes(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"123")
    stored = StoredFile(tmp_path / "a.bin")
    exact = Likeness()

    assert exact.difference(stored, OutputFile(b"123")) is None
    assert exact.difference(stored, "123") is None
    assert exact.difference(stored, OutputFile(b"1x3")) == "the file differs from byte 2 on"
    assert exact.difference(stored, OutputFile(b"12")) == "expected 3 bytes, got 2"
    assert exact.difference(stored, 5) == "expected the file a.bin, got 5"


def test_images_may_be_compared_by_their_pixels_alone():
    encoded = [io.BytesIO(), io.BytesIO()]
    for level, content in enumerate(encoded):
        Image.new("RGB", (64, 64), "red").save(content, "PNG", compress_level=level)
    one, other = (OutputFile(content.getvalue(), ".png") for content in encoded)

    assert Likeness(by_pixels=True).difference(one, other) is None
    assert Likeness(by_pixels=True).difference(one, png("red", (64, 65))) is not None
    assert Likeness().difference(one, other) is not None
    assert Likeness(by_pixels=True).difference(OutputFile(b"a"), OutputFile(b"b")) == (
        "the file differs from byte 1 on"
    )


def test_images_may_differ_by_the_tolerance():
    near = Likeness(0.02)

    assert near.difference(png((100, 100, 100)), png((104, 100, 101))) is None
    assert near.difference(png("black"), png("white")) == (
        "the image differs by 1.0000, and 0.02 is allowed"
    )
    assert near.difference(png("red"), png("red", (4, 5))) == "expected 4x4 pixels, got 4x5"
    assert near.difference(png("red"), OutputFile(b"no")) == "the output is no image"
    assert near.difference(OutputFile(b"no"), png("red")) == "the expected file is no image"
    assert near.difference(png((0, 0, 0, 0), mode="RGBA"), png((0, 0, 0))) is not None
