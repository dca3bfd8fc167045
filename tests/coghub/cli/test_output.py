import io
import threading

import pytest

from coghub.cli.live_line import line
from coghub.cli.output import Console, may_colour
from coghub.domain.errors import CoghubError


class Terminal(io.TextIOWrapper):
    """A stream in memory that says it is a terminal."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def isatty(self):
        return True


@pytest.fixture
def streams():
    return io.StringIO(), io.StringIO()


@pytest.mark.parametrize(
    ("environ", "is_refused", "expected"),
    [
        ({}, False, True),
        ({"TERM": "xterm"}, False, True),
        ({"NO_COLOR": "1"}, False, False),
        ({"COG_NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({}, True, False),
    ],
)
def test_colour_needs_a_terminal_and_nobody_against_it(environ, is_refused, expected):
    assert may_colour(Terminal(), environ, is_refused=is_refused) is expected
    assert not may_colour(io.StringIO(), environ, is_refused=is_refused)


def test_a_terminal_that_cannot_show_icons_gets_none():
    assert not may_colour(Terminal("ascii"), {})


def test_results_go_to_stdout_and_all_else_to_stderr(streams):
    console = Console(*streams)

    console.say("a line")
    console.warn("careful")
    console.result("42\n")

    out, err = (stream.getvalue() for stream in streams)
    assert (out, err) == ("42\n", "a line\nwarning: careful\n")


def test_an_error_is_followed_by_its_hint(streams):
    Console(*streams).fail(CoghubError("It broke", hint="Mend it"))

    assert streams[1].getvalue() == "error: It broke\nhint: Mend it\n"


def test_with_colour_an_error_has_an_icon_in_place_of_the_word(streams):
    Console(*streams, is_rich=True).fail(CoghubError("It broke", hint="Mend it"))

    assert streams[1].getvalue() == " \x1b[31m✗\x1b[0m It broke\n   \x1b[2mMend it\x1b[0m\n"


def test_logs_pass_through_as_they_come_even_in_half_characters(streams):
    console = Console(*streams)

    for byte in "50 % é\n".encode():
        console.log(bytes([byte]))

    assert streams[1].getvalue() == "50 % é\n"


def test_a_line_never_starts_behind_an_unfinished_log(streams):
    console = Console(*streams)

    console.log(b"50 %")
    console.say("done")

    assert streams[1].getvalue() == "50 %\ndone\n"


def test_on_a_terminal_a_result_never_starts_behind_an_unfinished_log(streams):
    """In files, which do not share a line, nothing is added."""
    files = Console(*streams)
    files.log(b"50 %")
    files.result("x\n")
    on_screen = Terminal()
    screen = Console(on_screen, on_screen)
    screen.log(b"50 %")
    screen.result("x\n")
    screen.result("y\n")

    assert [stream.getvalue() for stream in streams] == ["x\n", "50 %"]
    assert on_screen.buffer.getvalue() == b"50 %\nx\ny\n"


def test_on_a_terminal_a_log_never_starts_behind_an_unfinished_result(streams):
    files = Console(*streams)
    files.result("one ")
    files.log(b"50 %\n")
    files.result("two")
    on_screen = Terminal()
    screen = Console(on_screen, on_screen)
    screen.result("one ")
    screen.log(b"50 %\n")
    screen.result("two ")
    screen.result("three")
    screen.say("done")

    assert [stream.getvalue() for stream in streams] == ["one two", "50 %\n"]
    assert on_screen.buffer.getvalue() == b"one \n50 %\ntwo three\ndone\n"


def test_without_colour_a_step_is_one_line(streams):
    console = Console(*streams)

    with console.step("Building...") as step:
        step.tell("a detail")
        step.succeed(outcome="done")

    assert streams[1].getvalue() == "Building...\n"


def test_what_is_done_soon_is_not_mentioned(streams):
    with Console(*streams).step("Reading...", said_after_s=3600):
        pass

    assert streams[1].getvalue() == ""


def test_what_takes_long_is_mentioned_while_it_goes_on():
    class Noticed(io.StringIO):
        was_written = threading.Event()

        def flush(self):
            self.was_written.set()

    err = Noticed()
    with Console(io.StringIO(), err).step("Reading...", said_after_s=0.001):
        assert err.was_written.wait(60)
        said = err.getvalue()

    assert said == err.getvalue() == "Reading...\n"


def test_with_colour_a_step_leaves_one_line_when_it_succeeds(streams):
    console = Console(*streams, is_rich=True)

    with console.step("Building...") as step:
        step.succeed(outcome="done")

    assert streams[1].getvalue().endswith("\x1b[32m✓\x1b[0m Building... done\n")


def test_with_colour_a_step_that_fails_leaves_nothing(streams):
    console = Console(*streams, is_rich=True)

    with pytest.raises(CoghubError), console.step("Building..."):
        raise CoghubError("It broke")

    assert streams[1].getvalue().rpartition("\x1b[K")[2] == ""


def test_a_live_line_tells_time_and_detail():
    assert line("Building...", "", 0.5, 0) == "⠋ Building..."
    assert line("Building...", "uv", 12.3, 1) == "⠙ Building... 12 s · uv"


def test_a_live_line_never_wraps():
    assert len(line("x" * 10_000, "", 0, 0)) < 10_000
