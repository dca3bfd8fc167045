import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from coghub.cli.output_kind import OutputKind
from coghub.cli.trial.expectations import (
    Between,
    Contains,
    Equal,
    Fails,
    FileSize,
    Images,
    Length,
    Matches,
    PixelSize,
    unmet,
)
from coghub.cli.trial.outcome import End, Outcome, OutputFile, with_files
from coghub.domain.errors import PredictionFailed


def png(colour="red", size=(4, 2)):
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "PNG")
    return OutputFile(content.getvalue(), ".png")


def gave(output):
    return Outcome(End.SUCCEEDED, output)


@pytest.mark.parametrize(
    ("expectation", "output"),
    [
        (Equal("a"), "a"),
        (Contains(("b", "c")), "abc"),
        (Contains((2, "x")), [1, 2, "x"]),
        (Contains(({"a": 1},)), [{"a": 1}]),
        (Matches(re.compile("^h.llo$", re.MULTILINE)), "say\nhallo\n"),
        (Images((png(),), 0.01), png()),
        (Images((png(), png("blue")), 0.01), [png(), png("blue")]),
        (PixelSize(4, 2), png()),
        (PixelSize(4, 2), [png(), png("blue")]),
        (FileSize(Between(1, 3)), OutputFile(b"ab")),
        (Length(Between(2, 2)), [1, 2]),
        (Length(Between(0, 3)), "abc"),
    ],
)
def test_what_is_as_expected_is_met(expectation, output):
    assert unmet([expectation], gave(output)) == []


@pytest.mark.parametrize(
    ("expectation", "output", "reason"),
    [
        (Contains(("b", "x")), "abc", 'does not contain "x": "abc"'),
        (Contains((True,)), [1], "does not contain true: [1]"),
        (Contains((1,)), "1", 'does not contain 1: "1"'),
        (Contains(("a",)), {"a": 1}, 'expected a text or a list, got {"a": 1}'),
        (Matches(re.compile("^b")), "ab", 'does not match ^b: "ab"'),
        (Matches(re.compile("1")), 1, "expected a text, got 1"),
        (Images((png(),), 0.01), "red", 'expected 1 image, got "red"'),
        (Images((png(), png()), 0.01), [png()], "expected 2 images, got [a file of"),
        (Images((png(),), 0.01), png("blue"), "the image differs by 0.6667, and 0.01"),
        (PixelSize(2, 4), png(), "expected 2x4 pixels, got 4x2"),
        (PixelSize(2, 4), OutputFile(b"abc"), "expected 2x4 pixels, got a file of 3 B that is no"),
        (PixelSize(2, 4), [], "expected an image, got []"),
        (FileSize(Between(3, 9)), OutputFile(b"ab"), "expected 3 to 9 bytes, got 2"),
        (FileSize(Between(3, 3)), None, "expected a file, got null"),
        (Length(Between(1, 1)), [], "expected a length of 1, got 0"),
        (Length(Between(1, 1)), 1, "expected something with a length, got 1"),
        (Fails(), "fine", 'expected a failure, got "fine"'),
    ],
)
def test_what_is_not_as_expected_is_told(expectation, output, reason):
    (told,) = unmet([expectation], gave(output))

    assert told.startswith(reason)


@pytest.mark.parametrize("end", [End.FAILED, End.REFUSED])
def test_a_failure_is_expected_by_a_part_of_its_text(end):
    outcome = Outcome(end, error="no such colour: grue")

    assert unmet([Fails("colour")], outcome) == []
    assert unmet([Fails()], outcome) == []
    assert unmet([Fails("size")], outcome) == [
        'expected an error with "size", got "no such colour: grue"'
    ]


@pytest.mark.parametrize("end", [end for end in End if end is not End.SUCCEEDED])
def test_without_an_output_nothing_else_is_said(end):
    outcome = Outcome(end, error="boom")

    assert unmet([Equal(1), Contains(("a",))], outcome) == [outcome.story]
    assert unmet([], outcome) == [outcome.story]


@pytest.mark.parametrize("end", [End.DIED, End.OVERDUE, End.BROKEN, End.CANCELED])
def test_a_model_that_cannot_go_on_does_not_count_as_an_expected_failure(end):
    outcome = Outcome(end, error="boom")

    assert unmet([Fails("boom")], outcome) == [outcome.story]


def test_without_expectations_a_success_is_enough():
    assert unmet([], gave(None)) == []


@given(st.text(), st.text(), st.text())
def test_a_part_of_a_text_is_contained(before, part, after):
    whole = gave(before + part + after)

    assert Contains((part,)).unmet(whole) is None
    assert Matches(re.compile(re.escape(part))).unmet(whole) is None
    assert Length(Between(len(part), len(whole.output))).unmet(whole) is None


def test_files_of_an_output_are_read_and_pieces_of_a_text_joined():
    url = "data:image/png;base64,YWI="
    file = OutputFile(b"ab", ".png")

    assert with_files(url, OutputKind.FILE) == file
    assert with_files([url, url], OutputKind.FILES) == [file, file]
    assert with_files({"a": [url], "b": "data:"}, OutputKind.JSON) == {"a": [file], "b": "data:"}
    assert with_files(url, OutputKind.TEXT) == url
    assert with_files(["a", "b"], OutputKind.TOKENS) == "ab"
    assert with_files(["a", "b"], OutputKind.JSON) == ["a", "b"]
    assert with_files(None, OutputKind.FILE) is None


def test_a_file_that_cannot_be_read_is_an_error():
    with pytest.raises(PredictionFailed):
        with_files("data:image/png;base64,?", OutputKind.FILE)
