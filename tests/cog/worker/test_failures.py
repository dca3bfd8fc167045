"""What is said about an exception of user code."""

from typing import Any

import pytest

from cog.worker import failures


class Nested(Exception):
    class Inner(Exception):
        pass


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("boo"), "ValueError: boo"),
        (KeyError("k"), "KeyError: 'k'"),
        (Nested.Inner("x"), "Nested.Inner: x"),
        (Unspeakable(), "Unspeakable: <exception str() failed>"),
    ],
)
def test_one_line_names_type_and_message(error: BaseException, line: str) -> None:
    assert failures.describe(error) == line


def test_a_traceback_goes_to_stderr(capsys: Any) -> None:
    with pytest.raises(ValueError, match="boo") as caught:
        int("boo")
    failures.print_traceback(caught.value)

    printed = capsys.readouterr().err
    assert "test_failures.py" in printed
    assert printed.endswith("'boo'\n")


def test_it_is_printed_even_if_the_message_cannot_be_made(capsys: Any) -> None:
    failures.print_traceback(Unspeakable())

    assert "Unspeakable" in capsys.readouterr().err


def test_it_is_printed_even_if_stderr_is_gone(capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)

    failures.print_traceback(ValueError("boo"))

    assert "ValueError: boo" in capfd.readouterr().err
