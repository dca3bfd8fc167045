"""More connections than are needed, and more than there may be."""

import resource
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and sets others' limits"),
]

GET = b"GET /openapi.json HTTP/1.1\r\n\r\n"


def connect(server, many: ExitStack, count: int) -> list[socket.socket]:
    address = ("127.0.0.1", server.port)
    return [many.enter_context(socket.create_connection(address, 30)) for _ in range(count)]


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2000, reason="few files may be open here"
)
def test_a_thousand_idle_connections_cost_little(start_server):
    server = start_server("multi.py:Predictor").wait_until_ready()
    assert server.predict(text="before")["output"] == "before"
    before_kib = resident_kib(server.process.pid)

    with ExitStack() as many:
        idle = connect(server, many, 1000)
        assert server.predict(text="meanwhile")["output"] == "meanwhile"
        used_kib = resident_kib(server.process.pid) - before_kib
        idle[0].sendall(GET)
        served = idle[0].recv(15)

    assert served == b"HTTP/1.1 200 OK"
    assert used_kib < 16 * 1024


def test_the_idle_make_room_where_few_files_may_be_open(start_server, tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nulimit -n 100\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    server = start_server("multi.py:Predictor", python=str(python)).wait_until_ready()

    with ExitStack() as many:
        connect(server, many, 300)

        assert server.predict(action="be_killed")["status"] == "failed"
        server.wait_for_line("Setup complete", count=2)
        assert server.predict(file="data:,x", text="alive")["output"] == "alive"


@pytest.mark.bare
def test_a_server_that_ran_out_of_files_recovers(start_server):
    server = start_server("multi.py:Predictor").wait_until_ready()
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (40, 40))

    with ExitStack() as many:
        for connection in connect(server, many, 100):
            with suppress(OSError):
                connection.sendall(GET)
                connection.recv(1)

    assert answer_after_resets(server) == "alive"
    assert server.log.count("\n") < 100


def answer_after_resets(server) -> str:
    """Ask until there is an answer: while it lacks descriptors, a server may hang up on anyone."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError):
            return server.predict(text="alive")["output"]
    pytest.fail("no answer")
