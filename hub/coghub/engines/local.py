"""The local engine: a project runs on this machine as it is, in an environment made for it.

No isolation: the model runs with the user's own rights. Docker is not needed.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from coghub.build.activation import activated
from coghub.build.environment import Environment, Environments
from coghub.build.events import Report
from coghub.build.installer import Installer
from coghub.build.sdk import sdk_path
from coghub.domain.errors import UsageError
from coghub.engines import local_environ
from coghub.engines.base import (
    NO_PREPARATION,
    Address,
    Engine,
    Launch,
    OnLog,
    Preparation,
    Prepared,
    Project,
)
from coghub.engines.documents import Question, documents_of, read_document
from coghub.engines.instance import Instance
from coghub.engines.server_process import ServerProcess
from coghub.settings import Settings

KEY_CHARACTERS = 12
"""Enough of an environment's key to tell it from others."""
DOCUMENT_VARIABLE = "COG_OPENAPI_SCHEMA"
"""Names a document that overrules the model's own, for this command and for the server."""
SERVER = ("-m", "cog.server.http", "--host")
PIP = ("pip", "pip3")
PIP_READS = ("check", "freeze", "list", "show")
"""What uv's pip can do as well, and changes nothing."""
QUIET, TALKATIVE = "warning", "info"
"""Of a prediction's server only warnings are shown; one that stays says what it does."""


class LocalEngine(Engine):
    """Runs projects in environments under the cache folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    name = "local"
    building = "Building environment from"

    def check(self) -> None:
        """Nothing is needed but this machine."""

    def find(self, name: str) -> Project | None:
        """Names are those of bundles; see `Engine`."""

    def fetch(self, name: str) -> Project | None:
        """Bundles are fetched by the command; see `Engine`."""

    def prepare(
        self, project: Project, report: Report, preparation: Preparation = NO_PREPARATION
    ) -> "PreparedLocally":
        """Make the project's environment, unless it is there; see `Engine`."""
        environments = Environments(self._settings)
        environment = environments.ensure(
            project.plan, project.folder, report, run_commands=preparation.run_commands
        )
        return PreparedLocally(self._settings, project, environment)


@dataclass(frozen=True)
class PreparedLocally(Prepared):
    """A project with its environment."""

    settings: Settings
    project: Project
    environment: Environment

    @property
    def name(self) -> str:
        """The environment's own."""
        return f"environment {self.environment.key.rpartition('-')[2][:KEY_CHARACTERS]}"

    @property
    def noun(self) -> str:
        """A model, as nothing lies between it and this machine."""
        return "model"

    @property
    def place(self) -> str:
        """The environment."""
        return self.name

    @cached_property
    def _sdk(self) -> Path:
        return sdk_path(self.settings)

    def _environ(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the user's variables, those of cog.yaml and what is given, the last winning."""
        variables = {**self.settings.environ, **self.project.plan.environment, **given}
        return activated(variables, environment=self.environment.folder, sdk=self._sdk)

    def document(
        self, launch: Launch, on_log: OnLog, *, is_fresh: bool = False
    ) -> Mapping[str, Any]:
        """Return the OpenAPI document; see `Prepared`."""
        own = self.settings.environ.get(DOCUMENT_VARIABLE)
        if own:
            return read_document(Path(own))
        if self.project.document is not None:
            return self.project.document
        plan = self.project.plan
        question = Question(
            command=(str(self.environment.python), "-m", "cog.schema"),
            folder=self.project.folder,
            environ=self._environ(local_environ.of_user(launch)),
            predict=plan.predict,
            train=plan.train,
            environment_key=self.environment.key,
            sdk=self._sdk,
        )
        documents = documents_of(self.settings)
        known = None if is_fresh else documents.find(question)
        return known or documents.ask(question, on_log)

    def start(self, launch: Launch, on_log: OnLog) -> Instance:
        """Start the model on a free port of the loopback address; see `Prepared`."""
        command = [
            *self._server_command(launch, "127.0.0.1"),
            "--ready-fd",
            "{ready}",
        ]
        environ = {**self._server_environ(launch, QUIET), "PORT": "0"}
        server = ServerProcess.start(
            command,
            folder=self.project.folder,
            environ=environ,
            on_log=on_log if launch.is_debug else None,
        )
        return Instance(server, launch, on_log)

    def serve(self, launch: Launch, address: Address) -> NoReturn:
        """Become the model's server; see `Prepared`."""
        command = self._server_command(launch, address.host)
        if address.upload_url:
            command += ["--upload-url", address.upload_url]
        if address.reload:
            command += ["--reload", address.reload]
        environ = {**self._server_environ(launch, TALKATIVE), "PORT": str(address.port)}
        _become(command, self.project.folder, environ)

    def execute(self, command: Sequence[str], launch: Launch, ports: Sequence[str]) -> NoReturn:
        """Become a command inside the environment; see `Prepared`."""
        del ports  # all are this machine's own
        environ = self._environ(local_environ.of_user(launch))
        own = self.environment.folder / "bin" / command[0]
        if command[0] in PIP and not own.exists():
            command = self._pip(command[1:])
        found = shutil.which(command[0], path=environ["PATH"])
        if found is None:
            raise UsageError(f"Command not found in the project's environment: {command[0]}")
        _become([found, *command[1:]], self.project.folder, environ)

    def _pip(self, arguments: Sequence[str]) -> list[str]:
        """Return uv's words for what pip would show: the next pip on PATH is another Python's."""
        if not arguments or arguments[0] not in PIP_READS:
            raise UsageError(
                "The project's environment has no pip and stays as it was made",
                hint="Add packages to the requirements that cog.yaml names",
            )
        uv = str(Installer(self.settings).path())
        return [uv, "pip", *arguments, "--python", str(self.environment.python)]

    def _server_command(self, launch: Launch, host: str) -> list[str]:
        return [str(self.environment.python), *SERVER, host, "--x-mode", launch.mode]

    def _server_environ(self, launch: Launch, log_level: str) -> dict[str, str]:
        told = local_environ.of_model(
            self.project.plan, launch, server_python=sys.executable, log_level=log_level
        )
        own = self.settings.environ.get(DOCUMENT_VARIABLE)
        document = {DOCUMENT_VARIABLE: str(Path(own).absolute())} if own else {}
        return self._environ({**document, **told})


def _become(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder)
    os.execve(command[0], list(command), environ)  # noqa: S606 - what the user asked for
