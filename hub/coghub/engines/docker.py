"""The Docker engine: a project runs in a container of its environment image, an image as it is.

A project is mounted into the container, so what its code is now is what runs.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from coghub.build.cog_yaml import DEFAULT_PYTHON
from coghub.build.docker.client import Docker, find_docker
from coghub.build.docker.container import SERVER_PORT, ContainerSpec, Mount, run_command
from coghub.build.docker.image import Image, find_image, pull_image
from coghub.build.docker.leftovers import own_label, remove_leftovers
from coghub.build.events import Report
from coghub.build.image.environment_image import ensure_environment
from coghub.build.image_name import full_name
from coghub.build.plan import Plan
from coghub.build.sdk import sdk_path
from coghub.domain.errors import ModelUnreadable
from coghub.engines.base import (
    NO_PREPARATION,
    WEIGHTS,
    Address,
    Engine,
    Launch,
    OnLog,
    Preparation,
    Prepared,
    Project,
)
from coghub.engines.container_process import ContainerProcess, new_name
from coghub.engines.documents import Question, documents_of, read_document
from coghub.engines.image_document import document_inside
from coghub.engines.instance import LEVEL_VARIABLE, Instance
from coghub.engines.local import DOCUMENT_VARIABLE, QUIET, TALKATIVE
from coghub.settings import Settings

SOURCE = "/src"
WEIGHTS_FOLDER = "/weights"
"""Where those of this machine are mounted; their name stays, which may say what they are."""
NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"
"""A project that is mounted gets no folders of root's; what the image has compiled is read."""
HOST = "host.docker.internal"
SERVER = ("python", "--check-hash-based-pycs", "never", "-m", "cog.server.http")


class DockerEngine(Engine):
    """Runs projects and images by one Docker engine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def docker(self) -> Docker:
        """The engine itself."""
        return find_docker(self._settings)

    def check(self) -> None:
        """Do nothing if the engine answers; what killed commands left is removed."""
        remove_leftovers(self.docker)

    name = "docker"
    building = "Building Docker image from environment in"

    def find(self, name: str) -> Project | None:
        """Return the image of that name as a project; see `Engine`."""
        name = name if "@" in name or name.startswith("sha256:") else full_name(name)
        image = find_image(self.docker, name)
        if image is not None:
            return None if image.label("bundle") == "1" else project_of_image(image)
        return None

    def fetch(self, name: str) -> Project | None:
        """Return an image that is not here yet; see `Engine`."""
        image = pull_image(self.docker, name if "@" in name else full_name(name))
        return None if image.label("bundle") == "1" else project_of_image(image)

    def prepare(
        self, project: Project, report: Report, preparation: Preparation = NO_PREPARATION
    ) -> "PreparedImage":
        """Build the environment image, unless it is there; see `Engine`."""
        if project.image is not None:
            return PreparedImage(self._settings, self.docker, project, project.image)
        image = ensure_environment(
            self.docker, project.plan, project.folder, self._settings, report, preparation.build
        )
        return PreparedImage(self._settings, self.docker, project, image)


def project_of_image(image: Image) -> Project:
    """Return an image as a project; its folder is inside, and its labels say what it runs.

    Raises:
        ImageInvalid: if it is not an image of a model.
    """
    config = image.config()
    build = config.get("build") or {}
    plan = Plan(
        python_version=str(build.get("python_version") or DEFAULT_PYTHON),
        predict=config.get("predict") or config.get("run"),
        train=config.get("train"),
        gpu=bool(build.get("gpu")),
        config=config,
    )
    return Project(Path("/"), plan, image.document(), origin=image.name, image=image)


@dataclass(frozen=True)
class PreparedImage(Prepared):
    """A project with its environment image, or an image that holds a project."""

    settings: Settings
    docker: Docker
    project: Project
    image: Image

    @property
    def name(self) -> str:
        """As the engine shows it."""
        return f"Docker image {self.image.short_id}"

    @property
    def noun(self) -> str:
        """As Cog says it."""
        return "Docker image"

    @property
    def place(self) -> str:
        """As Cog says it."""
        if self.is_mounted:
            return "Docker with the current directory mounted as a volume"
        return f"Docker image {self.project.origin}"

    @property
    def is_mounted(self) -> bool:
        """Whether the project lies on this machine, and not in the image."""
        return self.project.image is None

    def document(
        self, launch: Launch, on_log: OnLog, *, is_fresh: bool = False
    ) -> Mapping[str, Any]:
        """Return the OpenAPI document; see `Prepared`."""
        own = self.settings.environ.get(DOCUMENT_VARIABLE)
        if own:
            return read_document(Path(own))
        if self.project.document is not None:
            return self.project.document
        if not self.is_mounted:
            return self._document_inside(launch)
        question = self._question(launch)
        documents = documents_of(self.settings)
        known = None if is_fresh else documents.find(question)
        return known or documents.ask(question, on_log)

    def start(self, launch: Launch, on_log: OnLog) -> Instance:
        """Start the model in a container with a free port of this machine; see `Prepared`."""
        is_foreign = not self.is_mounted and not self.image.is_ours
        spec = self._spec(launch, command=self._command(launch))
        spec = replace(spec, ports=(f"127.0.0.1::{SERVER_PORT}",))
        server = ContainerProcess(
            self.docker,
            spec,
            self.project.folder,
            on_log=on_log if launch.is_debug or is_foreign else None,
            may_go_without_gpu=launch.gpus is None,
            on_retry=on_log,
        )
        return Instance(server.start(), launch, on_log, prints_all=is_foreign)

    def serve(self, launch: Launch, address: Address) -> NoReturn:
        """Become the client of a container that serves; see `Prepared`."""
        command = [*SERVER, "--await-explicit-shutdown", "true"]
        if address.upload_url:
            command += ["--upload-url", address.upload_url]
        if address.reload:
            command += ["--reload", address.reload]
        host = f"[{address.host}]" if ":" in address.host else address.host
        spec = self._spec(launch, command=tuple(command), hosts={HOST: "host-gateway"})
        if not launch.is_debug:  # one that stays says what it does
            level = launch.environment.get(LEVEL_VARIABLE, TALKATIVE)
            spec = replace(spec, environment={**spec.environment, LEVEL_VARIABLE: level})
        self._become(replace(spec, ports=(f"{host}:{address.port}:{SERVER_PORT}",)))

    def execute(self, command: Sequence[str], launch: Launch, ports: Sequence[str]) -> NoReturn:
        """Become the client of a container that runs a command; see `Prepared`."""
        spec = self._spec(launch, command=tuple(command))
        has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        published = tuple(_published(port) for port in ports)
        self._become(replace(spec, ports=published, is_interactive=True, has_terminal=has_terminal))

    def _command(self, launch: Launch) -> tuple[str, ...]:
        return () if launch.mode == "predict" else (*SERVER, "--x-mode", launch.mode)

    def _spec(
        self, launch: Launch, *, command: tuple[str, ...], hosts: Mapping[str, str] | None = None
    ) -> ContainerSpec:
        """Return what all containers of this model have in common."""
        mounts = [Mount(str(self.project.folder), SOURCE)] if self.is_mounted else []
        variables = {**self._variables(launch), **launch.environment}
        weights = Path(launch.environment.get(WEIGHTS) or "")
        if weights.is_absolute() and weights.exists():  # here, and not in the image
            variables[WEIGHTS] = f"{WEIGHTS_FOLDER}/{weights.name}"
            mounts.append(Mount(str(weights), variables[WEIGHTS], is_read_only=True))
        mounts += [Mount(str(it.tree), it.target, is_read_only=True) for it in launch.weights]
        return ContainerSpec(
            image=self.image.id,
            name=new_name(),
            command=command,
            environment=variables,
            mounts=tuple(mounts),
            gpus=launch.gpus or ("all" if self.project.plan.gpu else None),
            hosts=hosts or {},
            has_init=self.image.has_init,
            workdir=SOURCE if self.is_mounted else None,
            labels=own_label(),
        )

    def _variables(self, launch: Launch) -> dict[str, str]:
        level = "debug" if launch.is_debug else QUIET
        told = {"LOG_FORMAT": "console", LEVEL_VARIABLE: level}
        if self.is_mounted:
            told[NO_BYTE_CODE] = "1"
        if "RUST_LOG" in self.settings.environ:
            told["RUST_LOG"] = self.settings.environ["RUST_LOG"]
        return told

    def _become(self, spec: ContainerSpec) -> NoReturn:
        sys.stdout.flush()
        sys.stderr.flush()
        command = self.docker.command(run_command(spec))
        os.execve(command[0], command, {**self.docker.environ, **spec.environment})  # noqa: S606 - what the user asked for

    def _question(self, launch: Launch) -> Question:
        """Ask a container, with the project mounted so that nothing in it can change."""
        spec = self._spec(launch, command=("-m", "cog.schema"))
        mounts = tuple(replace(mount, is_read_only=True) for mount in spec.mounts)
        spec = replace(spec, mounts=mounts, entrypoint="python", gpus=launch.gpus)
        plan = self.project.plan
        return Question(
            command=tuple(self.docker.command(run_command(spec))),
            folder=self.project.folder,
            environ={**self.docker.environ, **spec.environment},
            predict=plan.predict,
            train=plan.train,
            environment_key=self.image.id,
            sdk=sdk_path(self.settings),
        )

    def _document_inside(self, launch: Launch) -> Mapping[str, Any]:
        spec = self._spec(launch, command=self._command(launch))
        spec = replace(spec, ports=(f"127.0.0.1::{SERVER_PORT}",))
        server = ContainerProcess(
            self.docker, spec, self.project.folder, may_go_without_gpu=launch.gpus is None
        )
        try:
            return document_inside(server.start())
        except ModelUnreadable as error:
            raise ModelUnreadable(f"{error.message}: {self.image.name}", error.hint) from error
        finally:
            server.stop()


def _published(port: str) -> str:
    """Return what `--publish` means by `[HOST:]PORT`: the same port on both sides."""
    host, _, number = port.rpartition(":")
    return f"{host or '127.0.0.1'}:{number}:{number}"
