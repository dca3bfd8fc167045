"""What lasts as long as one build: names of images, and folders; what a killed one left is found.

Each carries the machine and the process that made it.
"""

import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from coghub.build.docker.client import Docker
from coghub.build.files import explained
from coghub.domain.errors import CoghubError

REPOSITORY = "cog-build"
_NAME = re.compile(r"[a-z-]+-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-\w+")


def new_mark() -> str:
    """Return what the names of one build end with."""
    return f"{_mark()}-{secrets.token_hex(4)}"


def name_of(part: str, mark: str) -> str:
    """Return the name of one part of a build, such as "project"."""
    return f"{REPOSITORY}:{part}-{mark}"


@contextmanager
def scratch(place: Path | None = None) -> Generator[Path]:
    """Yield an empty folder that is gone after the block.

    Raises:
        DiskFull: if no space is left on its disk.
    """
    made = tempfile.TemporaryDirectory(prefix=f"{REPOSITORY}-{_mark()}-", dir=place)
    with made as name, explained(Path(name)):
        yield Path(name)


def remove_leftovers(docker: Docker) -> list[str]:
    """Remove what this machine's builds that were killed have left; return the names.

    What cannot be asked or removed now is left for the next time.
    """
    folders = [
        path
        for path in Path(tempfile.gettempdir()).glob(f"{REPOSITORY}-*")
        if _is_orphan(path.name)
    ]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    names = list[str]()
    with suppress(CoghubError):
        tags = docker.ask(["image", "ls", "--format", "{{.Tag}}", REPOSITORY]).split()
        names = [f"{REPOSITORY}:{tag}" for tag in tags if _is_orphan(tag)]
        if names:
            docker.ask(["image", "rm", *names])
    return [*(folder.name for folder in folders), *names]


def _is_orphan(text: str) -> bool:
    name = _NAME.fullmatch(text)
    return name is not None and name["machine"] == _machine() and not _lives(int(name["pid"]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _mark() -> str:
    return f"{_machine()}-{os.getpid()}"


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
