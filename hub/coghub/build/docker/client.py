"""The `docker` command: found, asked, and its refusals told as ours.

The command and not the engine's API: it knows contexts, TLS, SSH and credentials as the user has
set them up, and BuildKit's session protocol is only in it.
"""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coghub.build.interrupts import uninterrupted
from coghub.domain.errors import DiskFull, DockerError, DockerUnreachable
from coghub.settings import Settings

DEFAULT_SOCKET = Path("/var/run/docker.sock")
CHOSEN_BY = ("DOCKER_HOST", "DOCKER_CONTEXT")
"""Variables that say which engine is meant."""
BUILDX_NEEDED_FROM = 23
"""The first version of the command without a BuildKit client of its own."""
CONNECT_TIMEOUT_S = 0.5
_DAMAGE = re.compile(
    r"cannot connect to the docker daemon|error during connect|permission denied while trying"
    r"|is the docker daemon running|failed to connect to the docker api",
    re.IGNORECASE,
)
_FULL = re.compile(r"no space left on device", re.IGNORECASE)
_PREFIX = re.compile(r"^(Error response from daemon: |error: |ERROR: |docker: )+", re.IGNORECASE)
NOT_RUNNING = "Start Docker, or run on this machine itself with `COG_ENGINE=local`"


@dataclass(frozen=True, slots=True)
class Docker:
    """One engine, through one `docker` command."""

    program: str
    has_buildkit: bool
    environ: Mapping[str, str] = field(repr=False)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the whole command line."""
        return [self.program, *arguments]

    def ask(self, arguments: Sequence[str], *, given: bytes | None = None) -> str:
        """Run the command to its end and return what it printed on stdout.

        Raises:
            DockerUnreachable: if no engine answers.
            DiskFull: if the engine's disk is full.
            DockerError: with the engine's own words.
        """
        done = subprocess.run(
            self.command(arguments),
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            env=dict(self.environ),
            check=False,
        )
        if done.returncode:
            raise error_of(done.stderr.decode("utf-8", "replace"), self.environ)
        return done.stdout.decode("utf-8", "replace")

    def start(
        self,
        arguments: Sequence[str],
        *,
        shows: bool = False,
        keeps_errors: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start the command in a session of its own, with one pipe at its stdout and stderr.

        Args:
            arguments: what follows `docker`.
            shows: it has this command's terminal instead.
            keeps_errors: its stderr has a pipe of its own.
            environ: variables beside its own.
        """
        errors = subprocess.PIPE if keeps_errors else subprocess.STDOUT
        with uninterrupted():
            return subprocess.Popen(
                self.command(arguments),
                stdin=subprocess.DEVNULL,
                stdout=None if shows else subprocess.PIPE,
                stderr=None if shows else errors,
                env={**self.environ, **(environ or {})},
                start_new_session=True,
            )

    def require_engine(self) -> None:
        """Do nothing if the engine answers.

        Raises:
            DockerUnreachable: if it does not, with Cog's own text.
        """
        self.ask(["version", "--format", "{{.Server.Version}}"])


def find_docker(settings: Settings) -> Docker:
    """Return the first `docker` on PATH that builds with BuildKit; else the first there is.

    Raises:
        DockerUnreachable: if there is none.
    """
    environ = settings.environ
    programs = list(_programs(environ.get("PATH", os.defpath)))
    if not programs:
        raise DockerUnreachable("No `docker` command on this machine", hint=NOT_RUNNING)
    for program in programs:
        if _has_buildkit(program, environ):
            return Docker(program, has_buildkit=True, environ=environ)
    return Docker(programs[0], has_buildkit=False, environ=environ)


def is_answering(settings: Settings) -> bool:
    """Tell whether an engine answers, without starting a process where none can."""
    environ = settings.environ
    programs = list(_programs(environ.get("PATH", os.defpath)))
    if not programs:
        return False
    if not _is_chosen(settings) and not _listens(DEFAULT_SOCKET):
        return False
    try:
        Docker(programs[0], has_buildkit=False, environ=environ).require_engine()
    except (DockerError, DiskFull, OSError):
        return False
    return True


def error_of(said: str, environ: Mapping[str, str]) -> DockerError | DiskFull:
    """Return the error for what the command said on stderr."""
    lines = [_PREFIX.sub("", line.strip()) for line in said.splitlines() if line.strip()]
    text = lines[-1] if lines else "docker says nothing"
    if _DAMAGE.search(said):
        place = environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
        return DockerUnreachable(
            "error pinging docker daemon: Cannot connect to the Docker daemon at "
            f"{place}. Is the docker daemon running?",
            hint=_rights_hint(said) or NOT_RUNNING,
        )
    if _FULL.search(said):
        return DiskFull(
            "No space is left on the Docker engine's disk",
            hint="Free some with `docker system prune`",
        )
    return DockerError(text)


def _rights_hint(said: str) -> str | None:
    if "permission denied" not in said.lower():
        return None
    return "You may not use it: join the group `docker`, or use `COG_ENGINE=local`"


def _programs(path: str) -> Iterator[str]:
    seen = set[str]()
    for folder in path.split(os.pathsep):
        program = Path(folder or ".", "docker")
        if os.access(program, os.X_OK) and program.is_file():
            real = os.path.realpath(program)
            if real not in seen:
                seen.add(real)
                yield str(program.absolute())


def _has_buildkit(program: str, environ: Mapping[str, str]) -> bool:
    said = _printed([program, "--version"], environ)
    found = re.search(r"version (\d+)\.", said)
    if found and int(found[1]) < BUILDX_NEEDED_FROM:
        return True
    return bool(_printed([program, "buildx", "version"], environ))


def _printed(command: Sequence[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=dict(environ), check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _is_chosen(settings: Settings) -> bool:
    if any(settings.environ.get(name) for name in CHOSEN_BY):
        return True
    if settings.docker_folder is None:
        return False
    try:
        config = json.loads((settings.docker_folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and bool(config.get("currentContext"))


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
