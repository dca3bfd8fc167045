"""The model of the kill matrix: it says where it is, and waits until a test lets it go on.

All of that is files in one folder for each prediction, so that each moment is met and not hit by
luck: the test sees `begun`, kills something, and makes `first`.
"""

import threading
import time
from pathlib import Path

LIMIT_S = 60
FILE_BYTES = 300_000
"""Of files that go in, or out."""
COG_YAML = """\
build:
  python_version: "{version}"
predict: "predict.py:Predictor"
train: "predict.py:train"
"""
PREDICT = """\
import os
import time
from typing import Any, Iterator

from cog import BasePredictor, Input, Path

SETUP = {setup!r}


def note(folder, name):
    with open(os.path.join(folder, name), "a") as file:
        file.write("x")


def wait(folder, name):
    while not os.path.exists(os.path.join(folder, name)):
        time.sleep(0.01)


def piece(folder, number, size):
    if not size:
        return f"piece {{number}}"
    path = Path(folder) / f"piece-{{number}}.bin"
    path.write_bytes(bytes([number]) * size)
    return path


class Predictor(BasePredictor):
    def setup(self, weights: Path = None) -> None:
        assert weights is None or weights.read_bytes() == bytes({file_bytes})
        note(SETUP, "begun")
        while os.path.exists(os.path.join(SETUP, "hold")):
            time.sleep(0.01)

    def predict(
        self, folder: str, size: int = 0, file: Path = Input(default=None)
    ) -> Iterator[Any]:
        if file is not None:
            assert file.read_bytes() == bytes({file_bytes})
        note(folder, "begun")
        wait(folder, "first")
        yield piece(folder, 1, size)
        wait(folder, "second")
        yield piece(folder, 2, size)


def train(size: int) -> Path:
    path = Path("learnt.bin")
    path.write_bytes(bytes(size))
    return path
"""


def write_project(folder: Path, setup: Path, *, python: str, words: str = "") -> None:
    """Write the model's sources; other words make another version of it."""
    (folder / "cog.yaml").write_text(COG_YAML.format(version=python))
    (folder / "predict.py").write_text(
        PREDICT.format(setup=str(setup), file_bytes=FILE_BYTES) + words
    )


class Gates:
    """One prediction's folder, or that of all setups."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def open(self, *names: str) -> None:
        """Let the model go on."""
        for name in names:
            (self.folder / name).touch()

    def close(self, name: str) -> None:
        """Take away what was opened."""
        (self.folder / name).unlink()

    def count(self, name: str) -> int:
        """Tell how often the model was there."""
        path = self.folder / name
        return path.stat().st_size if path.exists() else 0

    def reached(self, name: str, times: int = 1) -> None:
        """Wait until the model was there so often."""
        until(lambda: self.count(name) >= times, f"the model did not reach `{name}`")


def until(is_so, message: str, limit_s: float = LIMIT_S):
    """Ask again and again until it is so, and return what it was."""
    pause, end = threading.Event(), time.monotonic() + limit_s
    while not (found := is_so()):
        assert time.monotonic() < end, message
        pause.wait(0.02)
    return found
