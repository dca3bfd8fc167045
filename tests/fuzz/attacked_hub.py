"""A hub with something in it, and what leads there: ids, a token, a session, a callback's key."""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import requests
from tests.acceptance.hub_process import COGHUB, HubProcess
from tests.fuzz.surfaces import PATIENCE_S, Listener

UPLOADS = re.compile(rb"--upload-url\0http://[^/]*:(\d+)/([^/]+)/uploads/\0")
NAME = "every"
GOING = 8
"""Of each kind that may be deleted."""


class Callback(NamedTuple):
    """Where an instance reaches the hub, and by what it is known there."""

    port: int
    key: str


@dataclass(frozen=True)
class AttackedHub:
    """A hub and a version that was pushed to it."""

    process: HubProcess
    version_id: str

    def listener(self, name: str, port: int) -> Listener:
        return Listener(name, port, self.process.process.pid, lambda: self.process.log, "/")

    @property
    def token_header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.process.token}"}

    @cached_property
    def prediction(self) -> dict[str, Any]:
        """A prediction that has run: its instance stays."""
        body = {"version": self.version_id, "input": {"text": "here"}}
        made = self._ask("POST", "/v1/predictions", json=body)
        deadline = time.monotonic() + PATIENCE_S
        while made["status"] not in {"succeeded", "failed"} and time.monotonic() < deadline:
            made = self._ask("GET", f"/v1/predictions/{made['id']}")
        assert made["status"] == "succeeded", made
        return made

    @cached_property
    def known(self) -> dict[str, list[str]]:
        """What leads to something, by the name of the parameter."""
        file = self._ask("POST", "/v1/files", files={"content": ("a.txt", b"abc")})
        ids = [self.prediction["id"]]
        return {
            "owner": [self.process.administrator],
            "name": [NAME],
            "version_id": [self.version_id],
            "prediction_id": ids,
            "id": ids,
            "file_id": [file["id"]],
            "key": [self.prediction["urls"]["stream"].rpartition("/")[2]],
        }

    @cached_property
    def going(self) -> dict[str, dict[str, list[str]]]:
        """What may be deleted, by the path of the API that does it."""
        owner, names = self.process.administrator, [f"going-{number}" for number in range(GOING)]
        upload = {"files": {"content": ("a.txt", b"abc")}}
        files = [self._ask("POST", "/v1/files", **upload)["id"] for _ in names]
        model = {"owner": owner, "visibility": "private", "hardware": "cpu"}
        limits = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
        deployed = {"model": f"{owner}/{NAME}", "version": self.version_id, **limits}
        for name in names:
            self._ask("POST", "/v1/models", json={**model, "name": name})
            self._ask("POST", "/v1/deployments", json={**deployed, "name": name})
        versions = [self._version(f"{owner}/going", number) for number in range(GOING)]
        one = {"owner": [owner], "name": names}
        return {
            "/files/{file_id}": {"file_id": files},
            "/models/{owner}/{name}": one,
            "/deployments/{owner}/{name}": one,
            "/models/{owner}/{name}/versions/{version_id}": {
                "owner": [owner],
                "name": ["going"],
                "version_id": versions,
            },
        }

    def _version(self, repository: str, number: int) -> str:
        """Push what was pushed again, as another version of another model."""
        source = f"{self.process.administrator}/{NAME}"
        manifest = self._ask("GET", f"/v2/{source}/manifests/sha256:{self.version_id}")
        for part in (manifest["config"], *manifest["layers"]):
            mount = {"mount": part["digest"], "from": source}
            self._send("POST", f"/v2/{repository}/blobs/uploads/", params=mount)
        kind = {"Content-Type": manifest["mediaType"]}
        content = json.dumps({**manifest, "annotations": {"number": str(number)}})
        path = f"/v2/{repository}/manifests/t{number}"
        made = self._send("PUT", path, data=content.encode(), headers=kind)
        return made.headers["Docker-Content-Digest"].removeprefix("sha256:")

    def known_to_registry(self) -> dict[str, list[str]]:
        name = f"{self.process.administrator}/{NAME}"
        manifest = self._ask("GET", f"/v2/{name}/manifests/latest")
        digests = [manifest["config"]["digest"], *(it["digest"] for it in manifest["layers"])]
        response = requests.post(
            f"{self.process.address}/v2/{name}/blobs/uploads/",
            headers=self.token_header,
            timeout=PATIENCE_S,
        )
        upload = response.headers["location"].rpartition("/")[2]
        references = ["latest", f"sha256:{self.version_id}"]
        named = {"name": [name, "a/b"], "upload": [upload], "reference": references}
        return {**named, "digest": digests, "mount": digests, "from": [name]}

    @cached_property
    def callback(self) -> Callback:
        """What an instance was started with."""
        assert self.prediction
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                found = UPLOADS.search((folder / "cmdline").read_bytes())
            except OSError:  # it ended meanwhile
                continue
            if found and parent == self.process.process.pid:
                return Callback(int(found[1]), found[2].decode())
        raise AssertionError("no instance runs")

    @cached_property
    def session(self) -> tuple[str, str]:
        """The cookie of a session, and what its forms must hold.

        Once for all: who tries to sign in as often as these tests do is told to wait.
        """
        form = {"name": self.process.administrator, "password": self.process.token}
        with requests.Session() as session:
            session.post(f"{self.process.address}/login", form, timeout=PATIENCE_S)
            page = session.get(f"{self.process.address}/account", timeout=PATIENCE_S).text
            [(name, key)] = session.cookies.items()
        return f"{name}={key}", re.findall(r'name="csrf" value="([^"]+)"', page)[0]

    def _ask(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        return self._send(method, path, **sent).json()

    def _send(self, method: str, path: str, **sent: Any) -> requests.Response:
        headers = {**self.token_header, **sent.pop("headers", {})}
        response = requests.request(
            method,
            f"{self.process.address}{path}",
            headers=headers,
            timeout=PATIENCE_S,
            **sent,
        )
        response.raise_for_status()
        return response


def pushed(hub: HubProcess, project: Path) -> str:
    """Push a project to a hub as its author does, and return its version's id."""
    _cog(hub, "login", "--token-stdin", hub.address, stdin=hub.token)
    said = _cog(hub, "push", f"{hub.administrator}/{NAME}", folder=project)
    return re.findall(r"sha256:([0-9a-f]{64})", said)[0]


def _cog(hub: HubProcess, *arguments: str, stdin: str = "", folder: Path | None = None) -> str:
    done = subprocess.run(
        [COGHUB.with_name("cog"), *arguments],
        cwd=folder,
        env=hub.environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
