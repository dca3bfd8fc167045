"""The socket that the server listens on, by port or by path."""

import json
import os
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cog.server.listening import listen
from cog.server.settings import Settings


@pytest.fixture
def path() -> Iterator[str]:
    """Return a short path: a socket's may have about a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="cog-", dir="/tmp") as folder:
        yield f"{folder}/model.sock"


def at_port(**settings) -> Settings:
    return Settings(None, None, "python", host="127.0.0.1", port=0, **settings)


def at_path(path: str, **settings) -> Settings:
    return Settings(None, None, "python", unix_socket=path, **settings)


def test_only_the_servers_user_may_connect(path):
    before = os.umask(0)
    listener = listen(at_path(path))
    os.umask(before)

    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert listener.address == f"unix:{path}"
    listener.close()
    assert not Path(path).exists()


@pytest.mark.parametrize("is_path", [True, False])
def test_who_started_the_server_is_told_where_it_listens(path, is_path):
    told, descriptor = os.pipe()
    listener = listen(
        at_path(path, ready_fd=descriptor) if is_path else at_port(ready_fd=descriptor)
    )

    with listener.socket, os.fdopen(told) as file:
        assert file.read() == f"{listener.address.removeprefix('unix:').rpartition(':')[2]}\n"


def test_what_a_killed_server_left_is_replaced(path):
    listen(at_path(path)).socket.close()
    assert Path(path).exists()

    following = listen(at_path(path))

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    following.close()


def test_a_path_in_use_is_left_alone(path):
    listener = listen(at_path(path))

    with pytest.raises(SystemExit, match=f"ERROR: Cannot listen on unix:{path}: Address already"):
        listen(at_path(path))

    assert Path(path).is_socket()
    listener.close()


def test_a_file_that_is_no_socket_is_left_alone(path):
    Path(path).write_text("precious")

    with pytest.raises(SystemExit, match="Address already in use"):
        listen(at_path(path))

    assert Path(path).read_text() == "precious"


def test_a_server_that_leaves_late_leaves_its_successors_socket_alone(path):
    leaving = listen(at_path(path))
    leaving.withdraw()
    following = listen(at_path(path))

    leaving.close()

    assert Path(path).is_socket()
    following.close()


def test_a_path_that_is_too_long_is_one_clear_error(path):
    with pytest.raises(SystemExit, match=r"ERROR: Cannot listen on unix:.*too long"):
        listen(at_path(path + "x" * 200))


class AtPath(HTTPConnection):
    """HTTP to a socket's path."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


@pytest.mark.slow
def test_a_model_is_served_at_a_path(start_server, path):
    server = start_server("multi.py:Predictor", COG_UNIX_SOCKET=path).wait_until_ready()
    client = AtPath(path, timeout=30)
    headers = {"content-type": "application/json", "accept": "application/x-ndjson"}

    client.request("PUT", "/predictions/one", b'{"input": {"text": "hi"}}', headers)
    events = [json.loads(line) for line in client.getresponse() if line.strip()]

    assert [it["event"] for it in events] == ["start", "output", "completed"]
    client.request("POST", "/shutdown")
    assert client.getresponse().read() == b"{}"
    client.close()
    assert server.process.wait(30) == 0
    assert not Path(path).exists()


@pytest.mark.slow
def test_a_signal_removes_the_path(start_server, path):
    server = start_server("multi.py:Predictor", "--unix-socket", path).wait_until_ready()

    server.signal(signal.SIGTERM)

    assert server.process.wait(30) == 0
    assert not Path(path).exists()
