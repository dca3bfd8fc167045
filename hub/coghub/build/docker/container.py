"""A container as a value, and the command line that runs it; nothing is run here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LABEL = "run.coghub.container"
"""On every container that coghub starts; its value says whose it is, for `leftovers`."""
SHM_BYTES = 6 * 1024**3
"""Shared memory, as Cog gives: data loaders of PyTorch pass their batches through it."""
STOP_GRACE_S = 3
SERVER_PORT = 5000


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of this machine inside a container."""

    source: str
    target: str
    is_read_only: bool = False
    is_volume: bool = False
    """The source is the name of a volume of the engine's own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may use, and how far it is shut in; the defaults shut nothing in."""

    cpus: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    is_read_only: bool = False
    """The root file system; /tmp is then kept in memory."""
    drops_rights: bool = False
    """No new privileges, no capabilities."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What is to be run."""

    image: str
    name: str
    command: tuple[str, ...] = ()
    """In place of the image's own; empty keeps it."""
    entrypoint: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Its values do not show in the process list: the command gets them by its own environment."""
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    ports: tuple[str, ...] = ()
    """As after `--publish`, such as "127.0.0.1::5000"."""
    network: str | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Names that the container resolves, such as `host.docker.internal` to `host-gateway`."""
    gpus: str | None = None
    """As after `--gpus`."""
    workdir: str | None = None
    limits: Limits = Limits()
    has_init: bool = True
    """The image's entrypoint reaps processes and passes signals on; else Docker's init does."""
    is_removed: bool = True
    """At its end; otherwise who waits for it removes it."""
    is_interactive: bool = False
    has_terminal: bool = False
    is_detached: bool = False


def run_command(spec: ContainerSpec) -> list[str]:
    """Return what follows `docker` to run a container; its environment is passed by name only."""
    return [
        *("run", "--name", spec.name, "--shm-size", str(SHM_BYTES)),
        *("--stop-timeout", str(STOP_GRACE_S)),
        *_switches(spec),
        *_limits(spec.limits),
        *(f"--label={name}={value}" for name, value in spec.labels.items()),
        *(f"--env={name}" for name in spec.environment),
        *(_mount(mount) for mount in spec.mounts),
        *(f"--publish={port}" for port in spec.ports),
        *(f"--add-host={name}:{address}" for name, address in spec.hosts.items()),
        *_optional("--network", spec.network),
        *_optional("--gpus", spec.gpus),
        *_optional("--workdir", spec.workdir),
        *_optional("--entrypoint", spec.entrypoint),
        spec.image,
        *spec.command,
    ]


def _switches(spec: ContainerSpec) -> list[str]:
    wanted = {
        "--rm": spec.is_removed,
        "--init": not spec.has_init,
        "--interactive": spec.is_interactive,
        "--tty": spec.has_terminal,
        "--detach": spec.is_detached,
    }
    return [switch for switch, is_wanted in wanted.items() if is_wanted]


def _limits(limits: Limits) -> list[str]:
    found = [
        *_optional("--cpus", limits.cpus),
        *_optional("--memory", limits.memory_bytes),
        *_optional("--memory-swap", limits.memory_bytes),
        *_optional("--pids-limit", limits.processes),
    ]
    if limits.is_read_only:
        found += ["--read-only", "--tmpfs=/tmp:exec"]
    if limits.drops_rights:
        found += ["--security-opt=no-new-privileges", "--cap-drop=ALL"]
    return found


def _mount(mount: Mount) -> str:
    """Return one mount; quoted as CSV, since a path may hold a comma."""
    fields = [
        f"type={'volume' if mount.is_volume else 'bind'}",
        f"source={mount.source}",
        f"target={mount.target}",
    ]
    if mount.is_read_only:
        fields.append("readonly")
    quoted = (
        '"' + part.replace('"', '""') + '"' if "," in part or '"' in part else part
        for part in fields
    )
    return f"--mount={','.join(quoted)}"


def _optional(flag: str, value: object) -> list[str]:
    return [] if value is None else [f"{flag}={value}"]
