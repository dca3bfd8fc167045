"""A model's server, a hub with that model, and a playground before it, as processes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.acceptance.hub_process import COGHUB, HubProcess
from tests.fuzz import documents
from tests.fuzz.attacked_hub import AttackedHub, pushed
from tests.fuzz.settings import Budget, read_budget
from tests.fuzz.surfaces import Listener, Log, Surface

from coghub.settings import current_settings

MODEL = Path(__file__).with_name("models") / "every"
LISTENERS = ("model", "hub", "callbacks", "playground")


@pytest.fixture(scope="session")
def budget() -> Budget:
    return read_budget()


@pytest.fixture(scope="session")
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    """A shell's environment, with the cache of models' environments that all tests share."""
    inherited = current_settings().environ
    own = {name: value for name, value in inherited.items() if not name.startswith("COG")}
    cache = request.config.cache.mkdir("coghub")
    return {**own, "COG_CACHE_DIR": str(cache), "COG_ENGINE": "local", "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def model_server(environ: dict[str, str]) -> Iterator[Listener]:
    """`python -m cog.server.http` with a model that has an input of every kind."""
    command = [sys.executable, "-m", "cog.server.http", "--host", "127.0.0.1"]
    own = {"PORT": "0", "COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}
    with running(command, {**environ, **own}, cwd=MODEL) as (process, log):
        port = int(log.wait_for(r"Starting coglet server on 127.0.0.1:(\d+)")[1])
        log.wait_for("Setup complete, now accepting requests")
        yield Listener("model", port, process.pid, lambda: log.text, "/health-check")


@pytest.fixture(scope="session")
def playground_server(model_server: Listener, environ: dict[str, str]) -> Iterator[Listener]:
    """`cog playground` before that server."""
    target = f"http://127.0.0.1:{model_server.port}"
    command = [COGHUB.with_name("cog"), "playground", "--no-open", "--target", target]
    with running(command, environ) as (process, log):
        port = int(log.wait_for(r"running at http://127.0.0.1:(\d+)")[1])
        yield Listener("playground", port, process.pid, lambda: log.text, "/config")


@pytest.fixture(scope="session")
def hub(environ: dict[str, str], tmp_path_factory) -> Iterator[AttackedHub]:
    """`coghub up`, with that model pushed to it and an instance of it running."""
    folder = tmp_path_factory.mktemp("hub")
    author = {"DOCKER_CONFIG": str(folder / "docker"), "COG_DATA_DIR": str(folder / "author")}
    process = HubProcess(folder / "data", {**environ, **author})
    try:
        attacked = AttackedHub(process, pushed(process, copied(MODEL, folder / "every")))
        assert attacked.session
        yield attacked
    finally:
        process.stop()


@pytest.fixture(scope="session")
def hub_server(hub: AttackedHub) -> Listener:
    return hub.listener("hub", hub.process.port)


@pytest.fixture(scope="session")
def callbacks_server(hub: AttackedHub) -> Listener:
    """The second listener of that hub, which is for instances: one of them knows its address."""
    return hub.listener("callbacks", hub.callback.port)


@pytest.fixture(params=LISTENERS)
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    """Each of ours in turn; it is well after the test."""
    found: Listener = request.getfixturevalue(f"{request.param}_server")
    with found.kept_well():
        yield found


def model_surface(request: pytest.FixtureRequest) -> Surface:
    listener = request.getfixturevalue("model_server")
    document = requests.get(f"http://127.0.0.1:{listener.port}/openapi.json", timeout=10).json()
    return Surface(listener, documents.model_document(document))


def playground_surface(request: pytest.FixtureRequest) -> Surface:
    return Surface(request.getfixturevalue("playground_server"), documents.playground_document({}))


def api_surface(request: pytest.FixtureRequest) -> Surface:
    hub, listener = request.getfixturevalue("hub"), request.getfixturevalue("hub_server")
    document = documents.api_document(hub.known, hub.going)
    return Surface(listener, document, hub.token_header, keeps_its_word=True)


def registry_surface(request: pytest.FixtureRequest) -> Surface:
    hub, listener = request.getfixturevalue("hub"), request.getfixturevalue("hub_server")
    document = documents.registry_document(hub.known_to_registry())
    return Surface(listener, document, hub.token_header)


def pages_surface(request: pytest.FixtureRequest) -> Surface:
    hub, listener = request.getfixturevalue("hub"), request.getfixturevalue("hub_server")
    cookie, csrf = hub.session
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf}
    return Surface(listener, documents.pages_document(hub.known, csrf=csrf), headers)


def callbacks_surface(request: pytest.FixtureRequest) -> Surface:
    hub, listener = request.getfixturevalue("hub"), request.getfixturevalue("callbacks_server")
    known = {**hub.known, "key": [hub.callback.key], "X-Prediction-ID": hub.known["id"]}
    return Surface(listener, documents.callbacks_document(known))


SURFACES = {
    "model": model_surface,
    "api": api_surface,
    "registry": registry_surface,
    "pages": pages_surface,
    "callbacks": callbacks_surface,
    "playground": playground_surface,
}


@pytest.fixture(params=SURFACES)
def surface(request: pytest.FixtureRequest) -> Iterator[Surface]:
    """Each part with a document in turn; its listener is well after the test."""
    found = SURFACES[request.param](request)
    with found.listener.kept_well():
        yield found


def copied(model: Path, folder: Path) -> Path:
    """Copy a project, for the Python that is here."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("__pycache__", ".cog"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    config = folder / "cog.yaml"
    config.write_text(config.read_text().replace("3.11", version))
    return folder


class running:  # noqa: N801 - reads as a context manager
    """Run a process whose log is on stderr; it ends with the block."""

    def __init__(self, command, environ, cwd=None) -> None:
        self.process = subprocess.Popen(
            command,
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> tuple[subprocess.Popen[str], Log]:
        self.log = Log(self.process.stderr)
        return self.process, self.log

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
