"""The processes of a hub and of its instances, and how they are killed."""

import ctypes
import errno
import http.client
import json
import os
import signal
import socket
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.acceptance.kill_matrix.model import until

PIDFD_GETFD = 438
"""The number of a system call that Python has no name for; the same on all machines but alpha."""


def children(pid: int) -> dict[int, bytes]:
    """Return the processes that one has started, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(folder.name)] = (folder / "cmdline").read_bytes()
    return found


def servers(hub) -> list[int]:
    """Return the processes of a hub's instances that speak HTTP."""
    found = children(hub.process.pid).items()
    return [pid for pid, command in found if b"cog.server" in command]


def workers(hub) -> list[int]:
    """Return the processes of a hub's instances that run the model."""
    found = [each for server in servers(hub) for each in children(server).items()]
    return [pid for pid, command in found if b"cog.worker" in command]


def kill_all(pids: list[int]) -> bool:
    """Kill processes as the kernel does that is out of memory; tell whether there were any."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


def of_folder(folder: Path) -> list[str]:
    """Return the command lines of processes that work in a folder, or were given it."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            is_there = str(folder) in command or (each / "cwd").readlink().is_relative_to(folder)
            if is_there and int(each.name) != os.getpid():
                found.append(command)
    return found


def is_free(hub) -> bool:
    """Tell whether an instance's server has nothing to do: it has told the end of what ran."""
    return any(_health(path) == "READY" for path in (hub.folder / "run").glob("*/socket"))


def _health(path: Path) -> str:
    with closing(_UnixConnection(path)) as connection, suppress(OSError):
        connection.request("GET", "/health-check")
        return json.load(connection.getresponse())["status"]
    return ""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("instance", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def cut_connections(hub) -> int:
    """Cut every TCP connection between instances and the hub, and return how many those were.

    The instance's end is taken over (`pidfd_getfd`) and shut down: both ends hear of it, as if
    the network had gone.
    """
    ports = _own_ports(hub.process.pid)
    pids = servers(hub) + workers(hub)
    return sum(_cut(pid, number, ports) for pid in pids for number in _sockets(pid))


def _cut(pid: int, number: int, ports: set[int]) -> bool:
    with suppress(OSError), closing(_taken_over(pid, number)) as taken:
        if taken.family == socket.AF_INET and taken.getpeername()[1] in ports:
            taken.shutdown(socket.SHUT_RDWR)
            return True
    return False


def _taken_over(pid: int, number: int) -> socket.socket:
    process = os.pidfd_open(pid)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.syscall(PIDFD_GETFD, process, number, 0)
        if descriptor < 0 and ctypes.get_errno() in {errno.EPERM, errno.ENOSYS}:
            pytest.skip("the kernel lets nobody take over a socket of another process")
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return socket.socket(fileno=descriptor)
    finally:
        os.close(process)


def _sockets(pid: int) -> list[int]:
    """Return the descriptors of a process that are sockets."""
    found = []
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if str(path.readlink()).startswith("socket:"):
                    found.append(int(path.name))
    return found


def _own_ports(pid: int) -> set[int]:
    """Return the ports on which a process listens."""
    ports = set()
    for number in _sockets(pid):
        with suppress(OSError), closing(_taken_over(pid, number)) as taken:
            is_tcp = taken.family == socket.AF_INET
            if is_tcp and taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                ports.add(taken.getsockname()[1])
    return ports


def wait_for_death(pids: list[int]) -> None:
    """Wait until processes have gone."""
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "they did not end")
