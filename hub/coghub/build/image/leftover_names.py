"""Names of images that last as long as one build; what a killed one left is found by them."""

import hashlib
import os
import re
import secrets
import socket
from contextlib import suppress

from coghub.build.docker.client import Docker
from coghub.domain.errors import CoghubError

REPOSITORY = "cog-build"
_NAME = re.compile(r"[a-z]+-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]+")


def new_mark() -> str:
    """Return what the names of one build end with."""
    return f"{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"


def name_of(part: str, mark: str) -> str:
    """Return the name of one part of a build, such as "project"."""
    return f"{REPOSITORY}:{part}-{mark}"


def remove_leftover_names(docker: Docker) -> int:
    """Remove the images of this machine's builds that were killed; return their number.

    What cannot be asked or removed now is left for the next time.
    """
    with suppress(CoghubError):
        tags = docker.ask(["image", "ls", "--format", "{{.Tag}}", REPOSITORY]).split()
        gone = [f"{REPOSITORY}:{tag}" for tag in tags if _is_orphan(tag)]
        if gone:
            docker.ask(["image", "rm", *gone])
        return len(gone)
    return 0


def _is_orphan(tag: str) -> bool:
    name = _NAME.fullmatch(tag)
    return name is not None and name["machine"] == _machine() and not _lives(int(name["pid"]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
