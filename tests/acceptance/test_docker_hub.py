"""A hub with models in containers: a real `coghub up`, real pushes, and what the engine sees."""

import json
import urllib.request

import pytest
from tests.acceptance.conftest import Person
from tests.acceptance.hub_process import HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]
LABEL = "run.coghub.hub"
CONFIG = 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n'
PROBE = """
import os
import socket
import subprocess

from cog import BasePredictor, Path


class Predictor(BasePredictor):
    def setup(self) -> None:
        print("weights are loaded")

    def predict(self, do: str) -> str:
        if do == "memory":
            return str(len(bytearray(2 * 1024**3)))
        if do == "rights":
            return open("/proc/self/status").read()
        if do == "internet":
            with socket.create_connection(("1.1.1.1", 80), timeout=3):
                return "reached"
        if do == "environment":
            return repr(sorted(os.environ))
        if do == "home":
            open(os.path.expanduser("~/kept"), "a").write("x")
            return open(os.path.expanduser("~/kept")).read()
        return do
"""


class DockerHub:
    """A hub, and someone who pushes to it."""

    def __init__(self, hub: HubProcess, cog: Person) -> None:
        self.hub, self.cog = hub, cog

    def push(self, name: str, *flags: str) -> str:
        """Push the project and return the version's id."""
        host = self.hub.address.removeprefix("http://")
        done = self.cog("push", *flags, f"{host}/{self.hub.administrator}/{name}")
        assert done.returncode == 0, done.stderr
        return self.hub.get(f"/v1/models/{self.hub.administrator}/{name}")["latest_version"]["id"]

    def predict(self, version, **given):
        body = json.dumps({"version": version, "input": given}).encode()
        request = urllib.request.Request(
            f"{self.hub.address}/v1/predictions",
            body,
            {
                "Authorization": f"Bearer {self.hub.token}",
                "Content-Type": "application/json",
                "Prefer": "wait=60",
            },
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            prediction = json.load(answer)
        while prediction["status"] in ("starting", "processing"):
            prediction = self.hub.get(f"/v1/predictions/{prediction['id']}")
        return prediction


@pytest.fixture
def started(environ, docker_engine, tmp_path):
    """Return what starts a hub with some settings."""
    hubs = []

    def start(**settings: str) -> DockerHub:
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
        return DockerHub(hub, cog)

    yield start
    for hub in hubs:
        if hub.process.poll() is None:
            hub.stop()
    network = f"coghub-{(tmp_path / 'hub' / 'docker-id').read_text()}"
    assert docker_engine.containers(LABEL) == []
    for volume in docker_engine.run(
        "volume", "ls", "--quiet", "--filter", f"name={network}"
    ).split():
        docker_engine.run("volume", "rm", volume)
    docker_engine.run("network", "rm", network)


def test_bundles_and_images_both_run_in_containers(started, docker_engine):
    there = started()
    bundle = there.push("bundled")
    image = there.push("imaged", "--image")

    ran = [there.predict(version, do=f"echo {version[:4]}") for version in (bundle, image)]

    assert [one["output"] for one in ran] == [f"echo {bundle[:4]}", f"echo {image[:4]}"]
    assert "weights are loaded" in ran[0]["logs"]
    assert len(docker_engine.containers(LABEL)) == 2
    there.hub.stop()
    assert docker_engine.containers(LABEL) == []


def test_a_container_has_no_rights_and_nothing_of_the_hubs_environment(started):
    there = started()
    version = there.push("probe")

    rights = there.predict(version, do="rights")["output"]
    names = there.predict(version, do="environment")["output"]

    assert "CapEff:\t0000000000000000" in rights
    assert "NoNewPrivs:\t1" in rights
    assert "COGHUB" not in names
    assert there.predict(version, do="home")["output"] == "x"


def test_memory_above_the_limit_ends_in_a_reason(started):
    there = started(hardware_limits="cpu:cpus=1,memory=256MiB")
    version = there.push("probe")

    done = there.predict(version, do="memory")

    assert done["status"] == "failed"
    assert "out of memory" in done["error"].lower()


def test_without_a_network_models_still_reach_the_hub(started):
    there = started(docker_network="none")
    version = there.push("probe")

    done = there.predict(version, do="internet")

    assert done["status"] == "failed"
    assert "unreachable" in done["error"] or "timed out" in done["error"]
    assert there.predict(version, do="echo")["output"] == "echo"


def test_containers_of_a_killed_hub_are_gone_after_its_next_start(started, docker_engine):
    there = started()
    version = there.push("probe")
    there.predict(version, do="echo")
    before = docker_engine.containers(LABEL)
    assert len(before) == 1

    there.hub.kill()
    there.hub.restart()

    assert there.predict(version, do="echo")["output"] == "echo"
    assert not set(before) & set(docker_engine.containers(LABEL))


def test_a_hub_without_an_engine_says_so_and_ends(environ, docker_engine, tmp_path):
    own = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "COGHUB_EXECUTOR": "docker"}

    with pytest.raises(AssertionError) as ended:
        HubProcess(tmp_path / "hub", {**environ, **docker_engine.environ, **own})

    assert "Cannot connect to the Docker daemon" in str(ended.value)
    assert "Traceback" not in str(ended.value)
