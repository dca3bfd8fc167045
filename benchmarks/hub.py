"""The hub under measurement: a real `coghub up`, with our models pushed to it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.databases import SQLITE, Database, Rows
from benchmarks.environments import FOLDER, project
from benchmarks.servers import clean_environ
from tests.acceptance.hub_process import HubProcess

OPEN_QUEUE = {"COGHUB_QUEUE_LIMIT": "1000000", "COGHUB_ACCOUNT_QUEUE_LIMIT": "1000000"}
KEEP_ALL = {"COGHUB_RETENTION_S": str(400 * 24 * 3600)}
"""Old predictions keep their data: rows are as large as they get."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Hub:
    """A running hub, its administrator logged in with the command `cog`."""

    process: HubProcess
    folder: Path
    owner: str
    rows: Rows

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.process.port

    @property
    def token(self) -> str:
        """Of the administrator."""
        return self.process.token

    def cpu_s(self) -> float:
        """Return what the hub's process alone has used until now, in user and kernel mode."""
        stat = Path(f"/proc/{self.process.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def cog(self, *arguments: str, folder: Path, stdin: str = "") -> str:
        """Run `cog` as an author does, and return what it said."""
        done = subprocess.run(
            [Path(sys.executable).with_name("cog"), *arguments],
            cwd=folder,
            env=self.process.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"cog {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def login(self, address: str) -> str:
        """Log in, at an address that leads to the hub, and return the account's name."""
        said = self.cog("login", "--token-stdin", address, folder=self.folder, stdin=self.token)
        return re.findall(r"authenticated as ([\w.-]+)!", said)[0]

    def push(self, folder: Path, name: str) -> str:
        """Push a project, and return its version's id."""
        said = self.cog("push", f"{self.owner}/{name}", folder=folder)
        return re.findall(r"sha256:([0-9a-f]{64})", said)[0]

    def push_model(self, name: str) -> str:
        """Push one of the models that are measured, and return its version's id."""
        return self.push(project(name), name)


@contextmanager
def running_hub(name: str, on: Database = SQLITE, **environ: str) -> Iterator[Hub]:
    """Run a hub in a new data folder, on a new database; nothing of it is left afterwards."""
    folder = FOLDER / "hubs" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = {
        "COG_ENGINE": "local",
        "COG_CACHE_DIR": str(FOLDER / "cache"),
        "COG_DATA_DIR": str(folder / "author"),
        "DOCKER_CONFIG": str(folder / "docker"),
    }
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        rows = stack.enter_context(on.rows(folder / "data"))
        whole = {**clean_environ(), **own, **rows.environ, **environ}
        process = HubProcess(folder / "data", whole)
        stack.callback(process.stop)
        hub = Hub(process, folder, "", rows)
        hub.owner = hub.login(process.address)
        yield hub
