"""No secret is in what is shown of a log, however the log comes in pieces."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.predictions.redaction import PIECE_CHARACTERS, Redactor, redact

letters = st.text("abc", min_size=4, max_size=8)


def test_every_occurrence_is_taken_out():
    assert redact("a sesame b sesame", ["sesame"]) == "a [REDACTED] b [REDACTED]"


def test_nothing_is_changed_without_secrets():
    assert redact("some text", []) == "some text"
    assert Redactor([]).feed("some text") == "some text"


def test_a_short_secret_leaves_words_whole():
    assert redact("a banana", ["a", "", "an"]) == "a banana"


@pytest.mark.parametrize("shape", [json.dumps, repr, lambda text: quote(text, safe="")])
def test_a_quoted_secret_is_taken_out_too(shape):
    secret = 'pass"wörd\n&/'

    assert "[REDACTED]" in redact(f"got {shape(secret)}", [secret])
    assert "pass" not in redact(f"got {shape(secret)}", [secret])


def test_a_secret_that_is_split_between_two_pieces_is_taken_out():
    redactor = Redactor(["sesame"])

    shown = [redactor.feed("open ses"), redactor.feed("ame now s"), redactor.flush()]

    assert shown == ["open ", "[REDACTED] now ", "s"]


def test_a_line_that_ends_in_nothing_secret_is_shown_at_once():
    assert Redactor(["sesame"]).feed("step 1 of 10\n") == "step 1 of 10\n"


@given(st.lists(letters, min_size=1, max_size=3), st.data())
def test_pieces_are_shown_as_the_whole_would_be(secrets, data):
    pieces = data.draw(st.lists(st.one_of(st.text("abc", max_size=9), st.sampled_from(secrets))))
    redactor = Redactor(secrets)

    shown = "".join([*map(redactor.feed, pieces), redactor.flush()])

    assert shown == redact("".join(pieces), secrets)
    assert all(secret not in shown for secret in secrets)


def test_a_long_secret_and_a_long_log_take_no_long_time():
    """Quadratic work would run into the test's limit."""
    redactor = Redactor(["a" * 100_000])

    shown = "".join(redactor.feed("a" * 5000) for _ in range(500)) + redactor.flush()

    assert "a" * PIECE_CHARACTERS not in shown


def test_a_secret_longer_than_any_piece_of_a_log_is_taken_out():
    secret = "".join(map(str, range(5000)))
    redactor = Redactor([secret])

    shown = "".join(redactor.feed(secret[n : n + 1000]) for n in range(0, len(secret), 1000))

    assert set(shown.split("[REDACTED]")) == {""}
