"""Runs one `docker build`: follows what it says, and tells a failure by its last lines.

BuildKit marks each line with the number of its step: `#7 [3/5] RUN pip …`, then `#7 0.52 text`.
The classic builder says `Step 3/5 : RUN pip …`, then the text as it is.
"""

import re
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coghub.build.docker.client import Docker, error_of
from coghub.build.events import Progress, Report
from coghub.build.image.leftovers import scratch
from coghub.build.interrupts import uninterrupted
from coghub.build.lifeline import Lifeline
from coghub.domain.errors import BuildFailed, DiskFull, DockerUnreachable

PLATFORM = "linux/amd64"
SHOWN_LINES = 20
"""Of what a failing step printed: its end says what was wrong."""
SHOWN_CHARACTERS = 100
"""Of a step's command."""
_STEP = re.compile(r"^#(\d+) (\[[^\]]*\] .*)$")
_LINE = re.compile(r"^#(\d+) \d+\.\d+ (.*)$")
_CLASSIC = re.compile(r"^Step \d+/\d+ : (.*)$")
_QUIET = re.compile(r"^(sha256:|DONE|CACHED|transferring|resolve|extracting|exporting|naming)")
_FAILED = re.compile(r"^(?:#\d+ )?ERROR:? (.*)|^(?:executor|The command) (.*)", re.IGNORECASE)
_INTERNAL = re.compile(r"\[(internal|auth)\]")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOISE = re.compile(
    r"^(The command '.*' returned a non-zero code: \d+|Removing intermediate container \w+)$"
)
PURPOSES = (
    ("server.txt", "Installing the server"),
    ("requirements.txt", "Installing the Python packages"),
    ("install -q --root-user-action", "Fetching the installer"),
    ("--no-install-recommends tini", "Installing the system packages"),
)
"""What our own long steps are for, by words that are in them."""
_COMPILER = re.compile(
    r"command '?\"?(gcc|g\+\+|cc|c\+\+|x86_64-linux-gnu-gcc|clang)\b.* (failed|No such)"
    r"|(gcc|g\+\+|cc|c\+\+|cmake|make): (not found|No such file)"
    r"|No such file or directory: '\S*(gcc|g\+\+|cc|c\+\+|cmake|make)'"
    r"|Unknown compiler|No CMAKE_C(XX)?_COMPILER",
    re.IGNORECASE,
)
_NVCC = re.compile(r"\bnvcc\b|CUDA_HOME", re.IGNORECASE)
_BASE = re.compile(r"load metadata for|pull access denied|manifest unknown|^FROM ", re.MULTILINE)
BASE_HINT = "The base image cannot be fetched; `COG_BASE_IMAGE` names another one"
COMPILER_HINT = "Add `build-essential` to `system_packages` in cog.yaml: something is compiled"
NVCC_HINT = "Build on NVIDIA's image, which has a compiler: `--use-cuda-base-image true`"


@dataclass(frozen=True, slots=True)
class Build:
    """One build as a value."""

    text: str
    """Of its Dockerfile."""
    context: Path
    tag: str | None = None
    target: str | None = None
    """The stage that is wanted, if it is not the last."""
    ignore: str | None = None
    """Lines of a `.dockerignore` in place of the context's own; BuildKit only."""
    labels: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    """As after `--secret`."""
    no_cache: bool = False
    progress: str = "auto"
    """`plain` and `tty` show what Docker says as it is, `quiet` nothing."""


@dataclass(slots=True)
class _Told:
    """What a build has said so far."""

    report: Report
    current: str = ""
    steps: dict[str, str] = field(default_factory=dict)
    last: dict[str, deque[str]] = field(default_factory=dict)
    failed: str | None = None
    said: deque[str] = field(default_factory=lambda: deque(maxlen=200))

    def take(self, line: str) -> None:
        """Take one line."""
        self.said.append(line)
        if step := _STEP.match(line):
            self._begin(step[1], step[2])
        elif found := _LINE.match(line):
            self._printed(found[1], found[2])
        elif classic := _CLASSIC.match(line):
            self._begin("classic", classic[1])
            self.last.pop("classic", None)
        elif self.current == "classic" and not line.startswith(" --->"):
            self._printed("classic", line)
        if re.match(r"^#\d+ ERROR", line):
            self.failed = line.split(maxsplit=1)[0].lstrip("#")

    def _begin(self, number: str, text: str) -> None:
        self.current, self.steps[number] = number, text
        if not _INTERNAL.match(text):
            self.report(Progress(_purpose(text) or _short(text)))

    def _printed(self, number: str, text: str) -> None:
        lines = self.last.setdefault(number, deque(maxlen=SHOWN_LINES))
        if text.strip():
            lines.append(text.rstrip())
            self.report(Progress(text.strip()[:SHOWN_CHARACTERS]))

    def failure(self) -> BuildFailed:
        """Return the error for a build that has failed."""
        number = self.failed or self.current
        step = self.steps.get(number, "")
        lines = _telling(self.last.get(number, ())) or _last_words(self.said)
        command = re.sub(r"^\[[^\]]*\] ", "", step)
        about = f": {_short(command)}" if command else ""
        purpose = _purpose(step)
        title = f"{purpose} failed" if purpose else f"A step of the build failed{about}"
        text = "\n  ".join([title, *lines])
        return BuildFailed(text, hint=_hint("\n".join([step, *lines])))


def build_image(docker: Docker, build: Build, report: Report) -> str:
    """Build an image and return its id; the intermediate files are gone afterwards.

    Raises:
        BuildFailed: with the last lines of the step that failed.
        DiskFull: if the engine has no space left.
        DockerUnreachable: if no engine answers.
    """
    with building(docker, build, report) as finish:
        return finish()


@contextmanager
def building(docker: Docker, build: Build, report: Report) -> Generator[Callable[[], str]]:
    """Build an image beside what the block does, and yield what waits for its id.

    A build that nobody has waited for is ended with the block. Errors are those of `build_image`.
    """
    with scratch() as folder:
        dockerfile = folder / "Dockerfile"
        dockerfile.write_text(build.text, "utf-8")
        if build.ignore is not None:
            (folder / "Dockerfile.dockerignore").write_text(build.ignore, "utf-8")
        answer = folder / "image-id"
        command = ["build", "--iidfile", str(answer), "--file", str(dockerfile)]
        arguments = [*command, *_flags(docker, build), str(build.context)]
        with _running(docker, arguments, build, report) as finish:

            def image_id() -> str:
                finish()
                return answer.read_text("utf-8").strip()

            yield image_id


def _flags(docker: Docker, build: Build) -> list[str]:
    flags = [f"--label={name}={value}" for name, value in build.labels]
    if build.tag:
        flags.append(f"--tag={build.tag}")
    if build.target:
        flags.append(f"--target={build.target}")
    if build.no_cache:
        flags.append("--no-cache")
    if docker.has_buildkit:
        shown = "tty" if build.progress == "tty" else "plain"
        flags += [f"--progress={shown}", f"--platform={PLATFORM}"]
        flags += [f"--secret={secret}" for secret in build.secrets]
    else:
        flags.append("--force-rm")  # or the container of a step that failed would stay
    return flags


@contextmanager
def _running(
    docker: Docker, arguments: Sequence[str], build: Build, report: Report
) -> Generator[Callable[[], None]]:
    environ = {**docker.environ, "DOCKER_BUILDKIT": "1" if docker.has_buildkit else "0"}
    client = Docker(docker.program, docker.has_buildkit, environ)
    with uninterrupted():
        process = client.start(arguments, shows=build.progress == "tty" and docker.has_buildkit)
        lifeline = Lifeline()
        lifeline.guard(process.pid)

    def finish() -> None:
        told = _Told(report)
        _follow(process.stdout or (), told, _echo_of(build.progress))
        if process.wait():
            raise _error(told, client)

    try:
        yield finish
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        if process.stdout:
            process.stdout.close()
        lifeline.close()


def _follow(lines: Iterable[bytes], told: _Told, echo: Callable[[str], None] | None) -> None:
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip()
        if echo:
            echo(line)
        told.take(_ESCAPES.sub("", line))


def _echo_of(progress: str) -> Callable[[str], None] | None:
    if progress != "plain":
        return None
    return lambda line: print(line, file=sys.stderr, flush=True)  # noqa: T201 - as Docker says it


def _error(told: _Told, docker: Docker) -> Exception:
    said = "\n".join(told.said)
    plain = error_of(said, docker.environ)
    if isinstance(plain, (DiskFull, DockerUnreachable)):
        return plain
    return told.failure()


def _last_words(said: Iterable[str]) -> list[str]:
    found = [match[1] or match[2] for match in map(_FAILED.match, said) if match]
    if found:
        return found[-1:]
    return [line for line in said if line.strip() and not _QUIET.match(line)][-3:]


def _telling(lines: Iterable[str]) -> list[str]:
    """Return the lines that say something new; the step itself is in the title."""
    return [line for line in dict.fromkeys(lines) if not _NOISE.match(line)]


def _purpose(step: str) -> str | None:
    return next((purpose for words, purpose in PURPOSES if words in step), None)


def _hint(text: str) -> str | None:
    if _BASE.search(text):
        return BASE_HINT
    if _NVCC.search(text):
        return NVCC_HINT
    if _COMPILER.search(text):
        return COMPILER_HINT
    return None


def _short(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= SHOWN_CHARACTERS else f"{first[: SHOWN_CHARACTERS - 1]}…"
