"""A hub with some models, as the tests of the official clients need it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

from tests.acceptance.hub_process import HubProcess

COG_YAML = """\
build:
  python_version: "{version}"
predict: "predict.py:Predictor"
"""

GREET = """\
from cog import BasePredictor, Input, Path

class Predictor(BasePredictor):
    def predict(
        self,
        text: str,
        count: int = Input(default=1, ge=1, le=9),
        file: Path = Input(default=None),
    ) -> str:
        if text == "fail":
            raise ValueError("no greeting")
        print(f"greeting {text}")
        return f"hello {text}{file.read_text() if file else ''}" * count
"""
WORDS = """\
from cog import BasePredictor, ConcatenateIterator

class Predictor(BasePredictor):
    def predict(self, text: str) -> ConcatenateIterator[str]:
        for word in text.split(" "):
            yield word + " "
"""
TURN = """\
import tempfile
from cog import BasePredictor, Path

class Predictor(BasePredictor):
    def predict(self, image: Path, zeros: int = 0) -> Path:
        output = Path(tempfile.mkdtemp()) / "output.png"
        output.write_bytes(image.read_bytes()[::-1] + bytes(zeros))
        return output
"""
TURN_ALL = """\
import tempfile
from typing import List
from cog import BasePredictor, Path

class Predictor(BasePredictor):
    def predict(self, files: List[Path]) -> List[Path]:
        folder = Path(tempfile.mkdtemp())
        outputs = [folder / f"{number}.txt" for number in range(len(files))]
        for file, output in zip(files, outputs):
            output.write_bytes(file.read_bytes()[::-1])
        return outputs
"""
SLOW = """\
import time
from cog import BasePredictor

class Predictor(BasePredictor):
    def setup(self) -> None:
        print("loading weights")
        time.sleep(3)

    def predict(self, seconds: float = 0) -> str:
        print("sleeping")
        time.sleep(seconds)
        return "slept"
"""
MODELS = {"greet": GREET, "words": WORDS, "turn": TURN, "turn-all": TURN_ALL, "slow": SLOW}


@dataclass(frozen=True)
class ClientHub:
    """A running hub with the models above, each with one version, owned by alice."""

    process: HubProcess
    token: str
    versions: Mapping[str, str]
    """Name → what a client runs: `alice/NAME:ID`."""

    @property
    def address(self) -> str:
        return self.process.address


@contextmanager
def client_hub(folder: Path, environ: Mapping[str, str], *flags: str) -> Iterator[ClientHub]:
    """Start a hub, and push the models as alice does."""
    process = HubProcess(folder / "data", environ, *flags)
    try:
        process.run("user", "create", "alice")
        token = process.run("token", "create", "alice").strip()
        versions = {name: _pushed(process, folder, name, token) for name in MODELS}
        yield ClientHub(process, token, versions)
    finally:
        process.kill()


def _pushed(process: HubProcess, folder: Path, name: str, token: str) -> str:
    project = folder / name
    project.mkdir()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (project / "cog.yaml").write_text(COG_YAML.format(version=version))
    (project / "predict.py").write_text(MODELS[name])
    host = process.address.partition("://")[2]
    _cog(process, project, "login", "--token-stdin", process.address, stdin=token)
    said = _cog(process, project, "push", f"{host}/alice/{name}")
    [version_id] = re.findall(r"sha256:([0-9a-f]{64})", said)
    return f"alice/{name}:{version_id}"


def _cog(process: HubProcess, folder: Path, *arguments: str, stdin: str = "") -> str:
    own = {"DOCKER_CONFIG": str(folder / "docker"), "COG_DATA_DIR": str(folder / "author")}
    done = subprocess.run(
        [Path(sys.executable).with_name("cog"), *arguments],
        cwd=folder,
        env={**process.environ, **own},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Receiver:
    """Takes webhooks on a port of this machine."""

    def __init__(self) -> None:
        self.received: Queue[tuple[dict[str, str], bytes]] = Queue()
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.received.put((headers, body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def with_node(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which node runs: nothing of ours."""
    kept = {name: value for name, value in environ.items() if not name.startswith("COG")}
    return {**kept, "PATH": os.pathsep.join([kept.get("PATH", ""), "/usr/bin"])}
