"""The seam between the commands and what runs a model.

1. `Engine.prepare` makes whatever the plan needs (for the local engine, an environment).
2. A `Prepared` knows the model's OpenAPI document, and starts it: for one prediction, or for good.
3. A `RunningModel` answers predictions until it is stopped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Protocol

from coghub.build.docker.image import Image
from coghub.build.events import Report
from coghub.build.image.environment_image import NO_OPTIONS, BuildOptions
from coghub.build.plan import Plan
from coghub.build.weights.shown import Shown
from coghub.domain.instance_event import Event

OnLog = Callable[[bytes], None]
"""Takes what the model or its server printed, in pieces of any size."""


@dataclass(frozen=True, slots=True)
class Project:
    """Something that can run: a folder, and what its cog.yaml resolves to."""

    folder: Path
    plan: Plan
    document: Mapping[str, Any] | None = None
    """The OpenAPI document, where it is known without asking the model: a bundle carries it."""
    origin: str = "cog.yaml"
    """What the user calls it: the name of its config file, of the bundle or of the image."""
    image: Image | None = None
    """Where all of it is; the folder then is inside of the image."""
    weights: str | None = None
    """A path or a URL of those that a training gave a bundle."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a model is started."""

    mode: str = "predict"
    """`predict` or `train`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the command line; they win over all others."""
    gpus: str | None = None
    """As after Docker's `--gpus`; None leaves it to the model."""
    is_debug: bool = False
    weights: tuple[Shown, ...] = ()
    """Folders that a container has mounted; without one they are links already."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the command line says of how the needs of a project are met."""

    run_commands: bool = False
    """Run `build.run` on this very machine, if the engine does not isolate it."""
    build: BuildOptions = NO_OPTIONS


NO_PREPARATION = Preparation()
WEIGHTS = "COG_WEIGHTS"
"""Names the weights: a URL, or a path, of this machine where there is one."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server that stays listens, and where it sends its output files."""

    host: str
    port: int
    upload_url: str | None = None
    reload: str | None = None
    """What a change of the source does: `restart` the worker, or `keep` it and swap the code."""


@dataclass(frozen=True, slots=True)
class Request:
    """One prediction to run."""

    input: Mapping[str, Any]
    context: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    """Longest time for an answer; None waits as long as it takes."""


class RunningModel(Protocol):
    """A model that was started for this command, and ends with it."""

    def __enter__(self) -> "RunningModel": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End everything that was started."""
        ...

    def wait_until_ready(self, timeout_s: float) -> None:
        """Return when `setup()` is done.

        Raises:
            SetupFailed: if it failed or took too long.
            InstanceDied: if the model's server ended.
        """
        ...

    def serve_file(self, path: Path) -> str:
        """Return a URL from which the model's server, and it alone, can read a file."""
        ...

    def predict(self, request: Request) -> Iterator[Event]:
        """Run one prediction and yield what happens, the end last.

        Raises:
            InputInvalid: if the server refuses the input.
            PredictionOverdue: if it has not ended in time; the model still works at it.
            InstanceError: if the server answers with something else than a prediction.
        """
        ...


class Prepared(Protocol):
    """A project whose needs are met."""

    @property
    def name(self) -> str:
        """What it runs in, for people, such as `environment 664ef88bc1f4`."""
        ...

    @property
    def noun(self) -> str:
        """What is started, for people: `model` or `Docker image`."""
        ...

    @property
    def place(self) -> str:
        """Where a command runs, for people, such as `Docker with the current directory …`."""
        ...

    def document(
        self, launch: Launch, on_log: OnLog, *, is_fresh: bool = False
    ) -> Mapping[str, Any]:
        """Return the OpenAPI document; `is_fresh` asks the model even if the answer is known.

        The model's code is then imported with the variables that it will run with.

        Raises:
            ModelUnreadable: if the model cannot be imported or its signature not be read.
        """
        ...

    def start(self, launch: Launch, on_log: OnLog) -> RunningModel:
        """Start the model; its setup goes on when this returns."""
        ...

    def serve(self, launch: Launch, address: Address) -> NoReturn:
        """Become the model's server."""
        ...

    def execute(self, command: Sequence[str], launch: Launch, ports: Sequence[str]) -> NoReturn:
        """Become a command inside the environment, in the project's folder.

        Args:
            command: its words.
            launch: its variables and GPUs.
            ports: `[HOST:]PORT` that others on this machine shall reach.
        """
        ...


class Engine(Protocol):
    """A way to run projects on this machine."""

    @property
    def name(self) -> str:
        """`local` or `docker`."""
        ...

    @property
    def building(self) -> str:
        """What making a project's needs is called, such as `Building environment from`."""
        ...

    def check(self) -> None:
        """Do nothing if it can be used.

        Raises:
            DockerUnreachable: if it cannot.
        """
        ...

    def find(self, name: str) -> Project | None:
        """Return what the engine itself has under a name; None leaves the name to bundles."""
        ...

    def fetch(self, name: str) -> Project | None:
        """Fetch what is not here, if the engine can; None leaves the name to bundles.

        Raises:
            ImageNotFound: if no registry has it.
        """
        ...

    def prepare(
        self, project: Project, report: Report, preparation: Preparation = NO_PREPARATION
    ) -> Prepared:
        """Make what the project needs, unless it is there already; `report` hears what goes on."""
        ...
