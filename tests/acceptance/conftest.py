"""Uses `cog` as a person does: in a copy of an example, as a subprocess, and over HTTP.

The environments of models are kept in pytest's own cache folder, so a second run makes none.
"""

import base64
import http.client
import json
import os
import queue
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import replicate
from tests.acceptance.hub_process import HubProcess

from coghub.build.interpreters import Interpreters
from coghub.domain.errors import InterpreterNotFound
from coghub.settings import current_settings

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
NPM_CLIENT = "1.4.0"
"""The version of the official JavaScript client."""
READY = "Setup complete, now accepting requests"
REPLY_S = 180.0
"""Longest wait for a reply: a picture on a busy machine takes its time."""
START_S = 300.0
"""Longest wait for an environment to be made and a model to be ready."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Served:
    """A running `cog serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.log: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for_log(self, pattern: str) -> str:
        """Read the log on to a line that matches, and return it."""
        while (line := self._lines.get(timeout=START_S)) is not None:
            self.log.append(line)
            if re.search(pattern, line):
                return line
            if "setup failed" in line:
                break
        raise AssertionError(f"`cog serve` said no `{pattern}`:\n" + "".join(self.log))

    @contextmanager
    def open(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Generator[http.client.HTTPResponse]:
        """Send a request and give the response to read from; `_` in a header's name is `-`."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REPLY_S)
        with closing(connection):
            connection.request(method, path, content, sent)
            yield connection.getresponse()

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        with self.open(method, path, body, **headers) as response:
            return Reply(response.status, dict(response.getheaders()), response.read())

    def predict(self, **inputs: object) -> dict[str, Any]:
        """Run one prediction and return the reply's body, whatever its end."""
        reply = self.request("POST", "/predictions", {"input": inputs})
        assert reply.status == 200, reply
        return reply.json

    def wait_until_ready(self) -> None:
        """Wait for the end of a restart, if there is one."""
        while self.request("GET", "/health-check").json["status"] == "STARTING":
            self.wait_for_log(READY)

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit status."""
        with self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                return self.process.wait(timeout=30)
            finally:
                self.process.kill()
                self._reader.join()


@dataclass(frozen=True)
class Person:
    """Someone at a shell, in a folder."""

    folder: Path
    environ: Mapping[str, str]

    def __call__(
        self, *arguments: str, stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `cog` to its end."""
        return subprocess.run(
            [SCRIPTS / "cog", *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start `cog` and return at once."""
        return subprocess.Popen(
            [SCRIPTS / "cog", *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def serve(self, *arguments: str, **environ: str) -> Served:
        """Start `cog serve`, and return when the model is ready."""
        port = free_port()
        served = Served(self.start("serve", "-p", str(port), *arguments, **environ), port)
        try:
            served.wait_for_log(READY)
        except BaseException:
            served.stop()
            raise
        return served


def data_uri(path: Path, media_type: str) -> str:
    """Return a file as a URL that holds it."""
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"


def content_of(uri: str) -> bytes:
    """Return the file that a URL holds."""
    return base64.b64decode(uri.partition(";base64,")[2])


def free_port() -> int:
    """Return a port that is free, and stays so: the kernel gives these to nobody by itself."""
    while True:
        port = random.randrange(20000, 32000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture(scope="session")
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a shell in which `make setup` has been run."""
    cache = request.config.cache
    assert cache is not None
    inherited = current_settings().environ
    own = {name: value for name, value in inherited.items() if not name.startswith("COG")}
    return {
        **own,
        "PATH": f"{SCRIPTS}{os.pathsep}{own['PATH']}",
        "COG_CACHE_DIR": str(cache.mkdir("coghub")),
        "COG_ENGINE": "local",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="session")
def torch_environ(environ: dict[str, str]) -> dict[str, str]:
    """What `cog` needs to find torch for CPUs: at PyTorch's address, or where pip looks."""
    try:
        socket.create_connection(("download.pytorch.org", 443), timeout=5).close()
    except OSError:
        return {**environ, "COG_TORCH_INDEX": "none"}
    return environ


@pytest.fixture(scope="session")
def python_version() -> str:
    """The Python that the examples ask for, or this one where that one is not on the machine."""
    asked = "3.12"
    try:
        Interpreters(current_settings()).find(asked)
    except InterpreterNotFound:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    return asked


@pytest.fixture(scope="session")
def example(
    environ: dict[str, str], python_version: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Person]:
    """Go into a fresh copy of an example."""

    def enter(name: str) -> Person:
        folder = tmp_path_factory.mktemp(name) / name
        ignored = shutil.ignore_patterns("output*", "weights*", "__pycache__", ".cog")
        shutil.copytree(REPOSITORY / "examples" / name, folder, ignore=ignored)
        config = folder / "cog.yaml"
        config.write_text(config.read_text().replace('"3.12"', f'"{python_version}"'))
        return Person(folder, environ)

    return enter


@pytest.fixture
def client_of():
    """Return the official client for a hub and a token; its connections are closed afterwards."""
    made = []

    def client(hub: HubProcess, token: str | None = None) -> replicate.Client:
        made.append(replicate.Client(base_url=hub.address, api_token=token or hub.token))
        return made[-1]

    yield client
    for each in made:
        each._client.close()


@pytest.fixture
def start_hub(environ: dict[str, str]) -> Iterator[Callable[..., HubProcess]]:
    """Start hubs, each as `start_hub(data_folder, *flags)`, and end them with the test."""
    started: list[HubProcess] = []

    def start(folder: Path, *flags: str) -> HubProcess:
        started.append(HubProcess(folder, environ, *flags))
        return started[-1]

    yield start
    for hub in started:
        hub.kill()


@pytest.fixture(scope="module")
def ending() -> Iterator[Callable[[Served], Served]]:
    """Stop what a module served, when the module ends."""
    started: list[Served] = []

    def remember(served: Served) -> Served:
        started.append(served)
        return served

    yield remember
    for served in started:
        served.stop()


@pytest.fixture
def started(environ, docker_engine, tmp_path):
    """Return what starts a hub with Docker as executor, and with some settings."""
    from tests.acceptance.docker_hub import CONFIG, PROBE, DockerHub  # noqa: PLC0415 - needs this

    hubs = []

    def start(**settings: str) -> "DockerHub":
        own = {"HOME": str(tmp_path / "home"), "COGHUB_EXECUTOR": "docker"}
        whole = {**environ, **docker_engine.environ, **own}
        variables = {f"COGHUB_{name.upper()}": value for name, value in settings.items()}
        hub = HubProcess(tmp_path / "hub", {**whole, **variables})
        hubs.append(hub)
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        (project / "cog.yaml").write_text(CONFIG)
        (project / "predict.py").write_text(PROBE)
        cog = Person(project, whole)
        done = cog("login", hub.address, "--token-stdin", stdin=hub.token)
        assert done.returncode == 0, done.stderr
        return DockerHub(hub, cog, docker_engine)

    yield start
    for hub in hubs:
        if hub.process.poll() is None:
            hub.stop()
    if not (tmp_path / "hub" / "docker-id").exists():
        return  # its executor was another one
    network = f"coghub-{(tmp_path / 'hub' / 'docker-id').read_text()}"
    assert docker_engine.containers(f"run.coghub.hub={network.removeprefix('coghub-')}") == []
    for volume in docker_engine.run(
        "volume", "ls", "--quiet", "--filter", f"name={network}"
    ).split():
        docker_engine.run("volume", "rm", volume)
    docker_engine.run("network", "rm", network)


@pytest.fixture(scope="session")
def node_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds the client; kept in pytest's cache."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not on this machine")
    folder = request.config.cache.mkdir("npm") / NPM_CLIENT
    if not folder.exists():
        made = folder.with_name(secrets.token_hex(8))
        _install_client(made)
        with suppress(OSError):  # another process of the tests was first
            made.rename(folder)
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _install_client(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder]
    done = subprocess.run(
        [*command, f"replicate@{NPM_CLIENT}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"npm could not install the client: {done.stderr[-300:]}")


@pytest.fixture
def httpd(tmp_path: Path) -> Iterator[str]:
    """The address of a web server with a file of five bytes, `file.bin`."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "file.bin").write_bytes(b"12345")
    handler = partial(QuietFiles, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""
