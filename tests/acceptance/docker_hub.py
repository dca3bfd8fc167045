"""A hub whose executor is Docker, and someone who pushes to it."""

import json
import urllib.request

from tests.acceptance.conftest import Person
from tests.acceptance.hub_process import HubProcess
from tests.docker_engine import Engine

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

    def __init__(self, hub: HubProcess, cog: Person, engine: Engine) -> None:
        self.hub, self.cog, self.engine = hub, cog, engine

    def containers(self) -> list[str]:
        """Return the names of this hub's containers."""
        return self.engine.containers(
            f"run.coghub.hub={(self.hub.folder / 'docker-id').read_text()}"
        )

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
