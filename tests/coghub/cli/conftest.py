"""The real command on a tiny project of its own; environments are shared between all runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coghub.settings import current_settings

COG = Path(sys.executable).with_name("cog")
MACHINE = {**current_settings().environ, "COG_ENGINE": "local"}
"""Whatever engine answers here: with Docker, tests say so."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

CONFIG = f"""
build:
  python_version: "{PYTHON}"
predict: "predict.py:Predictor"
train: "train.py:train"
environment:
  - "FROM_CONFIG=config"
"""

PREDICTOR = """
import os
import sys
import time
from typing import Any, Iterator

from cog import BasePredictor, Input, Path, current_scope


class Predictor(BasePredictor):
    def setup(self, weights: Path = None) -> None:
        self.weights = open(weights).read() if weights else None
        print("loading", flush=True)
        if os.environ.get("SETUP_WAITS"):
            time.sleep(600)
        if os.environ.get("SETUP_FAILS"):
            raise RuntimeError("no weights")

    def predict(
        self,
        what: str = Input(default="echo", choices=["echo", "fail", "wait", "exit", "file", "none"]),
        text: str = "world",
        count: int = Input(default=1, ge=1),
        upload: Path = Input(default=None),
    ) -> Any:
        print("working", file=sys.stderr, flush=True)
        if what == "fail":
            raise ValueError("boom")
        if what == "exit":
            os.kill(os.getpid(), 9)
        if what == "wait":
            time.sleep(600)
        if what == "none":
            return None
        return {
            "text": text,
            "count": count,
            "weights": self.weights,
            "size": upload and os.path.getsize(upload),
            "context": dict(current_scope().context),
            "variables": [os.environ.get("FROM_CONFIG"), os.environ.get("FROM_FLAG")],
        }
"""

TRAINER = """
from cog import BaseModel, Path


class TrainingOutput(BaseModel):
    weights: Path
    steps: int


def train(steps: int) -> TrainingOutput:
    with open("trained.txt", "w") as file:
        file.write("w" * steps)
    return TrainingOutput(weights=Path("trained.txt"), steps=steps)
"""


class Project:
    """A folder with a model, and the command run in it."""

    def __init__(self, folder, cache, data):
        self.folder = folder
        self.environ = {
            **{name: value for name, value in MACHINE.items() if not name.startswith("COG_")},
            "COG_CACHE_DIR": str(cache),
            "COG_DATA_DIR": str(data),
        }
        (folder / "cog.yaml").write_text(CONFIG)
        (folder / "predict.py").write_text(PREDICTOR)
        (folder / "train.py").write_text(TRAINER)

    def run(self, *arguments, stdin="", environ=None):
        return subprocess.run(
            [COG, *arguments],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments, environ=None):
        return Started(
            subprocess.Popen(
                [COG, *arguments],
                cwd=self.folder,
                env={**self.environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )


class Started:
    """A command that runs."""

    def __init__(self, process):
        self.process = process
        self.said = ""

    def wait_for(self, words):
        """Read stderr up to a line with these words."""
        while words not in self.said:
            line = self.process.stderr.readline()
            assert line, f"ended without {words!r}: {self.said}"
            self.said += line

    def end(self):
        """Wait for its end and return the exit code, what it printed and what it said."""
        out, rest = self.process.communicate()
        return self.process.returncode, out, self.said + rest


@pytest.fixture(autouse=True)
def _without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COG_ENGINE", "local")


@pytest.fixture
def cog_path():
    return str(COG)


@pytest.fixture
def project(tmp_path, request):
    cache = request.config.cache.mkdir("coghub")
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, cache, tmp_path / "data")


@pytest.fixture
def started(project):
    """Start commands that are killed with the test, if they live."""
    all_started = []

    def start(*arguments, environ=None):
        all_started.append(project.start(*arguments, environ=environ))
        return all_started[-1]

    yield start
    for each in all_started:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()
        for stream in (each.process.stdout, each.process.stderr):
            stream.close()
