"""What a person sees: the command with a terminal as stdout and stderr."""

import os
import pty
import re
import subprocess

import pytest

pytestmark = pytest.mark.slow

STREAMER = """
from cog import BasePredictor, ConcatenateIterator, Input


class Predictor(BasePredictor):
    def predict(self, go_on: str = Input(default="")) -> ConcatenateIterator[str]:
        yield "first"
        if go_on:
            open(go_on).read()
        yield " second"
"""
WRITER = """
from cog import BasePredictor, Path


class Predictor(BasePredictor):
    def predict(self) -> Path:
        with open("made.png", "wb") as file:
            file.write(b"x")
        return Path("made.png")
"""


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, command, project):
        self._reader, writer = pty.openpty()
        environ = {**project.environ, "TERM": "xterm"}
        environ.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            command, cwd=project.folder, env=environ, stdin=writer, stdout=writer, stderr=writer
        )
        os.close(writer)
        self.seen = ""

    def read_until(self, words):
        while words not in self.seen:
            piece = self._read()
            assert piece, f"ended without {words!r}: {self.seen!r}"
            self.seen += piece

    def end(self):
        """Return what stood on the screen in the end, and the exit code."""
        while piece := self._read():
            self.seen += piece
        os.close(self._reader)
        return on_screen(self.seen), self.process.wait()

    def _read(self):
        try:
            return os.read(self._reader, 65536).decode()
        except OSError:  # the other end was closed
            return ""


def on_screen(text):
    """Return the lines that stay: what was drawn over is gone, and so are colours."""
    lines = [line.rpartition("\x1b[K")[2] for line in text.replace("\r\n", "\n").split("\n")]
    return [re.sub(r"\x1b\[[0-9;]*m|\r", "", line) for line in lines]


@pytest.fixture
def terminal(project, request):
    def run(predictor, *arguments):
        (project.folder / "predict.py").write_text(predictor)
        return Terminal([request.getfixturevalue("cog_path"), "predict", *arguments], project)

    return run


def test_the_seeds_lines_are_shown(terminal, project):
    screen, code = terminal(WRITER).end()

    assert code == 0, screen
    key = r"[0-9a-f]{12}"
    built, running, empty, written, last = screen
    assert re.fullmatch(
        rf"✓ Building environment from cog\.yaml\.\.\. Successfully built {key}", built
    )
    assert re.fullmatch(rf"✓ Model running in environment {key}", running)
    assert (empty, written, last) == ("", "Written output to output.png", "")
    assert (project.folder / "output.png").read_bytes() == b"x"


def test_streamed_text_is_shown_as_it_comes(terminal, project):
    """The model goes on only when its first word was seen."""
    gate = project.folder / "gate"
    os.mkfifo(gate)
    shown = terminal(STREAMER, "-i", f"go_on={gate}")

    shown.read_until("first")
    gate.write_text("go on")

    screen, code = shown.end()
    assert code == 0, screen
    assert screen[-2:] == ["first second", ""]


def test_ctrl_c_leaves_a_clean_line(terminal, project):
    gate = project.folder / "gate"
    os.mkfifo(gate)
    shown = terminal(STREAMER, "-i", f"go_on={gate}")
    shown.read_until("first")

    shown.process.send_signal(2)

    screen, code = shown.end()
    assert code == 130
    assert not [line for line in screen if "Traceback" in line]
