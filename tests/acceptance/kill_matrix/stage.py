"""A hub with the model, as its client has it: asked plainly, without retries."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.acceptance.client_models import push
from tests.acceptance.hub_process import HubProcess
from tests.acceptance.kill_matrix import processes
from tests.acceptance.kill_matrix.model import Gates, until, write_project
from tests.acceptance.kill_matrix.relay import Relay
from tests.acceptance.kill_matrix.told import Follower, Receiver
from tests.postgres_server import PostgresServer

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ENDED = frozenset({"succeeded", "failed", "canceled"})
NAME, TRAINED = "waiting", "trained"


@dataclass(frozen=True)
class Answer:
    """What a request got; status 0 where the hub is not there."""

    status: int
    body: Any


@dataclass(frozen=True)
class Watched:
    """A prediction, its gates, and who follows its events."""

    id: str
    gates: Gates
    stream: str
    follower: Follower
    counted: tuple[int, int]
    """Runs of the model, and in the usage, before it was made."""
    size: int = 0
    """Bytes of each of its output files, if it makes files."""


@dataclass
class Stage:
    """A running hub of one instance."""

    hub: HubProcess
    folder: Path
    receiver: Receiver
    lock: Callable[[], AbstractContextManager[None]]
    """Keeps the hub from writing down anything while its block runs."""
    postgres: PostgresServer | None = None
    relay: Relay | None = None
    owner: str = ""
    version: str = ""
    _numbers: count = field(default_factory=count)

    def __post_init__(self) -> None:
        self.setup = Gates(self.folder / "setup")
        command = ["login", "--token-stdin", self.hub.address]
        done = subprocess.run(
            [Path(sys.executable).with_name("cog"), *command],
            env=self.hub.environ,
            input=self.hub.token,
            capture_output=True,
            text=True,
            check=True,
        )
        [self.owner] = re.findall(r"authenticated as ([\w.-]+)!", done.stdout + done.stderr)
        self.version = self.push()

    @property
    def model(self) -> str:
        return f"{self.owner}/{NAME}"

    def push(self, words: str = "") -> str:
        """Push the model, and return the version's id."""
        project = self.folder / "project"
        project.mkdir(exist_ok=True)
        write_project(project, self.setup.folder, python=PYTHON, words=words)
        return push(self.hub, project, self.model).partition(":")[2]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request."""
        is_raw = body is None or isinstance(body, bytes)
        content = body if is_raw else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.hub.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            path if path.startswith("http") else f"{self.hub.address}/v1{path}",
            content,
            {**sent, **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error))
        except OSError:
            return Answer(0, None)

    def body(self, gates: Gates, version: str = "", **inputs: Any) -> dict[str, Any]:
        """Return what makes a prediction."""
        return {
            "version": version or self.version,
            "input": {"folder": str(gates.folder), **inputs},
            "webhook": self.receiver.url,
            "webhook_events_filter": ["completed"],
        }

    def upload(self, content: bytes) -> str:
        """Upload a file, and return its URL."""
        sent = {"Content-Type": "multipart/form-data; boundary=part"}
        head = b'--part\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n'
        made = self.ask("POST", "/files", head + content + b"\r\n--part--\r\n", **sent)
        assert made.status == 201, made
        return made.body["urls"]["get"]

    def gates(self) -> Gates:
        """Return gates for a new prediction."""
        return Gates(self.folder / f"prediction-{next(self._numbers)}")

    def create(self, gates: Gates, version: str = "", **inputs: Any) -> Watched:
        """Make a prediction, and follow it."""
        counted = self.counted()
        made = self.ask("POST", "/predictions", self.body(gates, version, **inputs))
        assert made.status == 201, made
        stream, size = made.body["urls"]["stream"], inputs.get("size", 0)
        return Watched(made.body["id"], gates, stream, Follower(stream), counted, size)

    def get(self, prediction_id: str) -> Answer:
        """Look at a prediction."""
        return self.ask("GET", f"/predictions/{prediction_id}")

    def wait_for(self, prediction_id: str, statuses: frozenset[str]) -> dict[str, Any]:
        """Look at a prediction until it has one of these statuses."""

        def found() -> dict[str, Any] | None:
            seen = self.get(prediction_id)
            return seen.body if seen.status == 200 and seen.body["status"] in statuses else None

        return until(found, f"{prediction_id} is {self.get(prediction_id)}\n{self.hub.log}")

    def run(self, version: str = "") -> dict[str, Any]:
        """Run a prediction that meets no obstacle."""
        gates = self.gates()
        gates.open("first", "second")
        made = self.ask("POST", "/predictions", self.body(gates, version))
        assert made.status == 201, made
        return self.wait_for(made.body["id"], ENDED)

    def train(self, size: int) -> str:
        """Return a version that has weights of so many bytes."""
        model = {"owner": self.owner, "name": TRAINED, "visibility": "private", "hardware": "cpu"}
        self.ask("POST", "/models", model)
        path = f"/models/{self.owner}/{NAME}/versions/{self.version}/trainings"
        destination = f"{self.owner}/{TRAINED}"
        made = self.ask("POST", path, {"destination": destination, "input": {"size": size}})
        assert made.status == 201, made
        ended = self.wait_for(made.body["id"], ENDED)
        assert ended["status"] == "succeeded", ended
        return ended["output"]["version"].partition(":")[2]

    def counted(self) -> tuple[int, int]:
        """Return how many runs the model has, and how many the usage has."""
        usage = self.ask("GET", "/hub/usage?group=model").body["results"]
        names = [f"{self.owner}/{name}" for name in (NAME, TRAINED)]
        models = [self.ask("GET", f"/models/{name}").body for name in names]
        runs = [it["run_count"] for it in models if "run_count" in it]
        return sum(runs), sum(it["predictions"] for it in usage)

    def stop_instances(self) -> None:
        """Let none be there, so that the next prediction needs one to be started."""
        pids = processes.servers(self.hub)
        processes.kill_all(pids)
        processes.wait_for_death(pids)
        until(lambda: not self.hub.run("instances"), "an instance is left")

    def close(self) -> None:
        """Stop the hub; nothing of it is left."""
        assert self.hub.stop() == 0
        folder = self.hub.folder
        until(lambda: not processes.of_folder(folder), f"left: {processes.of_folder(folder)}", 10)
