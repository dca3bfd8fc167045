"""Silence."""

import os
import sys

import pytest

from cog.suppress_output import suppress_output


def test_nothing_is_printed_inside_not_even_by_c_code(capfd: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("before\n")
    with suppress_output():
        sys.stdout.write("inside\n")
        os.write(1, b"below python\n")
        os.write(2, b"and on the other\n")
    sys.stdout.write("after\n")

    assert capfd.readouterr() == ("before\nafter\n", "")


def test_output_returns_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), suppress_output():
        _ = 1 / 0
    sys.stdout.write("after\n")

    assert capfd.readouterr().out == "after\n"
