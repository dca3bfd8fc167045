"""Registries to speak to: the real one of the CNCF, and one in memory that fails on demand."""

import pytest
from docker_registry import started_registry
from fake_registry import FakeRegistry

from coghub.build.events import ignore
from coghub.build.plan import Plan
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.opening import open_registry
from coghub.build.registry_client.reference import parse_host
from coghub.build.registry_client.retries import Retries
from coghub.settings import read_settings

WEIGHTS_BYTES = 1_280_000
PLAN = Plan("3.11", predict="predict.py:Predictor", config={"predict": "predict.py:Predictor"})
DOCUMENT = {"openapi": "3.0.2", "components": {"schemas": {"Input": {"properties": {}}}}}


@pytest.fixture
def fake():
    registry = FakeRegistry()
    yield registry
    registry.close()


class Client:
    """A machine with its own store, and a registry opened from it."""

    def __init__(self, folder, address, **environ):
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = read_settings(
            {
                "HOME": str(folder),
                "PATH": "/nowhere",
                "COG_CACHE_DIR": str(folder / "cache"),
                "COG_DATA_DIR": str(folder / "data"),
                **environ,
            }
        )
        self.host = parse_host(address)
        self.waits = []

    def open(self, **keywords):
        """Return the registry; its waits are noted, and cost no time."""
        registry = open_registry(self.host, self.settings, **keywords)
        registry.retries = Retries(self.waits.append)
        return registry


@pytest.fixture
def client(fake, tmp_path):
    return Client(tmp_path / "machine", fake.url)


@pytest.fixture
def make_client(tmp_path):
    return lambda address, name="other", **environ: Client(tmp_path / name, address, **environ)


@pytest.fixture
def registry(client):
    with client.open() as opened:
        yield opened


@pytest.fixture
def meter():
    return Meter("Pushed", 0, ignore, now=lambda: 0.0)


@pytest.fixture
def no_lock(monkeypatch):
    """Locking is tested with the real uv elsewhere; here it would only cost time."""
    monkeypatch.setattr("coghub.build.lock.Locks.lock", lambda *_: ("tiny==1.0 --hash=sha256:aa",))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a file that counts as large, though disks of tests need not hold 8 MiB."""
    monkeypatch.setattr("coghub.build.bundle_content.LARGE_BYTES", WEIGHTS_BYTES)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "predict.py").write_text("class Predictor: ...\n")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * (WEIGHTS_BYTES // 256))
    return folder


@pytest.fixture
def write_bundle(no_lock, project):
    def write(store, name="hello"):
        return store.write(name, PLAN, project, DOCUMENT, ignore)

    return write


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory):
    with started_registry(tmp_path_factory.mktemp("docker-registry")) as address:
        yield address
