"""Starting a worker process. Standard library only: it comes before the server's own imports."""

import os
import secrets
import socket
import subprocess
import tempfile
from dataclasses import dataclass

from cog.server.settings import Settings

TREE_VARIABLE = "COG_WORKER_TREE"
"""In the environment of a worker and so of all its descendants, however far they fled."""


@dataclass(frozen=True)
class Spawned:
    """A worker process and the server's ends of everything that leads to it."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    stdout: int
    stderr: int
    life: int
    """Write end of a pipe that nobody writes: it ends when the server does, however that ends."""
    exchange: str
    """A private folder for frames and files that are too large for the socket."""
    tree: str
    """Value of `TREE_VARIABLE`."""


def spawn(settings: Settings, environ: dict[str, str]) -> Spawned:
    """Start a worker for the model in the current folder."""
    ours, theirs = socket.socketpair()
    stdout, stdout_end = os.pipe()
    stderr, stderr_end = os.pipe()
    life_end, life = os.pipe()
    exchange = tempfile.mkdtemp(prefix="cog-")
    tree = secrets.token_hex(16)
    try:
        process = subprocess.Popen(
            command(settings, socket_fd=theirs.fileno(), exchange=exchange, life_fd=life_end),
            stdin=subprocess.DEVNULL,
            stdout=stdout_end,
            stderr=stderr_end,
            pass_fds=(theirs.fileno(), life_end),
            env={**environ, TREE_VARIABLE: tree},
            start_new_session=True,
        )
    finally:
        theirs.close()
        for end in (stdout_end, stderr_end, life_end):
            os.close(end)
    for end in (stdout, stderr):
        os.set_blocking(end, False)
    ours.settimeout(0)
    return Spawned(process, ours, stdout, stderr, life, exchange, tree)


def command(settings: Settings, *, socket_fd: int, exchange: str, life_fd: int) -> list[str]:
    """Return the worker's command line."""
    flags = ["--socket", str(socket_fd), "--exchange", exchange, "--life", str(life_fd)]
    for name, reference in (("--predict", settings.predict), ("--train", settings.train)):
        if reference is not None:
            flags += [name, reference]
    return [settings.worker_python, "-m", "cog.worker", *flags, "--mode", settings.mode]
