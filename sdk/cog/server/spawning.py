"""Starting a worker process. Standard library only: it comes before the server's own imports."""

import os
import secrets
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass

from cog.server.exchange import Exchange, make_exchange
from cog.server.settings import KEEP, Settings

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
    exchange: Exchange
    tree: str
    """Value of `TREE_VARIABLE`."""

    def abandon(self) -> None:
        """End the process and remove its folder, if that has not been done."""
        self.process.kill()
        self.exchange.remove()


def spawn(settings: Settings, environ: dict[str, str]) -> Spawned:
    """Start a worker for the model in the current folder.

    Raises:
        OSError: if it cannot be started; nothing is left behind then.
    """
    with ExitStack() as theirs, ExitStack() as ours:
        exchange = make_exchange()
        ours.callback(exchange.remove)
        near, far = socket.socketpair()
        ours.enter_context(near)
        theirs.enter_context(far)
        stdout, stdout_end = _pipe(ours, theirs)
        stderr, stderr_end = _pipe(ours, theirs)
        life_end, life = _pipe(theirs, ours)
        tree = secrets.token_hex(16)
        process = subprocess.Popen(
            command(settings, socket_fd=far.fileno(), exchange=exchange.path, life_fd=life_end),
            stdin=subprocess.DEVNULL,
            stdout=stdout_end,
            stderr=stderr_end,
            pass_fds=(far.fileno(), life_end),
            env={**environ, TREE_VARIABLE: tree},
            start_new_session=True,
        )
        ours.pop_all()
    for end in (stdout, stderr):
        os.set_blocking(end, False)
    near.settimeout(0)
    return Spawned(process, near, stdout, stderr, life, exchange, tree)


def _pipe(reads: ExitStack, writes: ExitStack) -> tuple[int, int]:
    """Return both ends of a pipe; who reads and who writes closes an end."""
    read_end, write_end = os.pipe()
    reads.callback(os.close, read_end)
    writes.callback(os.close, write_end)
    return read_end, write_end


def command(settings: Settings, *, socket_fd: int, exchange: str, life_fd: int) -> list[str]:
    """Return the worker's command line."""
    flags = ["--socket", str(socket_fd), "--exchange", exchange, "--life", str(life_fd)]
    for name, reference in (("--predict", settings.predict), ("--train", settings.train)):
        if reference is not None:
            flags += [name, reference]
    flags += ["--mode", settings.mode, "--keeps", str(int(settings.reload == KEEP))]
    return [settings.worker_python, "-m", "cog.worker", *flags]
