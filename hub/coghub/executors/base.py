"""The seam between the scheduler and whatever starts and stops instances."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from coghub.domain.instance import Stage
from coghub.domain.model import Version


@dataclass(frozen=True, slots=True)
class TCPAddress:
    """Where a server listens that has no socket in the file system."""

    host: str
    port: int


Address = Path | TCPAddress
"""A Unix socket, or a port."""

Tell = Callable[[Stage, str], None]
"""Takes how far an instance is, and a piece of text about it; from the event loop's thread."""


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """What is to be started."""

    id: str
    version: Version
    manifest: Mapping[str, Any]
    """Of the version's image or bundle, as the registry has it."""
    upload_url: str
    """Where the instance sends output files."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the model's owner; they win over cog.yaml's."""
    server_variables: Mapping[str, str] = field(default_factory=dict)
    """What the hub tells the model's server, such as which networks it may not reach."""
    hardware: str = "cpu"
    """The sku that it runs on."""
    gpu_ids: tuple[str, ...] = ()
    is_training: bool = False
    """Its server is to train, and not to predict."""


class Instance(Protocol):
    """A model's server that was started, and may still be loading the model."""

    @property
    def address(self) -> Address:
        """Where it speaks Cog's HTTP."""
        ...

    @property
    def is_foreign(self) -> bool:
        """Whether its server is not this project's: it has no guard, and answers at the end."""
        ...

    async def memory_bytes(self) -> int | None:
        """Return what it takes of the memory; None where that cannot be told."""
        ...

    async def ended(self) -> str:
        """Wait until it has ended by itself or was stopped, and return why, for people."""
        ...

    async def stop(self, *, grace_s: float) -> None:
        """End it, by force if it does not heed in time; may be called twice."""
        ...


class Executor(Protocol):
    """A way to run instances."""

    @property
    def name(self) -> str:
        """Such as `local`."""
        ...

    async def connect(self) -> str:
        """Return the address of this machine at which instances reach the hub.

        Called once, before all else.

        Raises:
            CoghubError: if instances cannot be started here.
        """
        ...

    def refusal_of(self, version: Version) -> str | None:
        """Return why this executor cannot run a version; None if it can."""
        ...

    async def tidy(self, version_ids: Collection[str]) -> None:
        """Remove what a hub that was killed left, and what was made of other versions than these.

        Called before the first start.
        """
        ...

    async def start(self, spec: InstanceSpec, tell: Tell) -> Instance:
        """Bring the version here, make what it needs, and start its server.

        Raises:
            CoghubError: if any of it fails; nothing is left running.
        """
        ...
