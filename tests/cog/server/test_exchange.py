"""Folders that are gone when their server is, however it went."""

import shutil
import signal
import sys
from pathlib import Path

import pytest

from cog.server.exchange import PREFIX, make_exchange, remove_abandoned
from cog.server.settings import Settings
from cog.server.spawning import spawn


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_private_and_goes_with_what_is_in_it(temporary):
    exchange = make_exchange()
    (Path(exchange.path) / "file").touch()

    assert Path(exchange.path).stat().st_mode & 0o777 == 0o700
    exchange.remove()
    exchange.remove()

    assert list(temporary.iterdir()) == []


def test_only_the_folders_of_the_dead_are_removed(temporary):
    alive = make_exchange()
    left = temporary / f"{PREFIX}dead"
    (left / "inputs").mkdir(parents=True)
    kept = temporary / "kept"
    kept.mkdir()
    (temporary / f"{PREFIX}link").symlink_to(kept)
    (temporary / f"{PREFIX}file").touch()

    remove_abandoned()

    names = {it.name for it in temporary.iterdir()}
    assert names == {Path(alive.path).name, "kept", f"{PREFIX}link", f"{PREFIX}file"}
    alive.remove()


def test_another_users_folder_is_left_alone(temporary, monkeypatch):
    (temporary / f"{PREFIX}theirs").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: 12345)

    remove_abandoned()

    assert list(temporary.iterdir())


def test_a_temporary_folder_that_is_gone_is_nobodys_problem(temporary):
    shutil.rmtree(temporary)

    remove_abandoned()


def test_a_worker_that_cannot_be_started_leaves_nothing(temporary):
    descriptors = sorted(it.name for it in Path("/dev/fd").iterdir())

    with pytest.raises(FileNotFoundError):
        spawn(Settings("predict.py", None, worker_python="/nowhere/python"), {})

    assert list(temporary.iterdir()) == []
    assert sorted(it.name for it in Path("/dev/fd").iterdir()) == descriptors


@pytest.mark.slow
def test_a_killed_servers_folder_is_removed_by_the_next(start_server, tmp_path):
    killed = start_server("multi.py:Predictor", TMPDIR=str(tmp_path)).wait_until_ready()
    (left,) = tmp_path.glob(f"{PREFIX}*")
    killed.signal(signal.SIGKILL)
    killed.process.wait(30)
    assert left.exists()

    following = start_server("multi.py:Predictor", TMPDIR=str(tmp_path)).wait_until_ready()
    while left.exists():  # a thread removes it; the test's own limit ends this
        following.predict()

    assert following.stop() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("hurry", [signal.SIGTERM, signal.SIGINT])
def test_a_hurried_exit_leaves_nothing(start_server, tmp_path, hurry):
    server = start_server("multi.py:Predictor", TMPDIR=str(tmp_path)).wait_until_ready()
    running = server.begin("sleep", "sleeping", action="never_return", file="data:,x")

    server.signal(hurry)
    server.wait_for_line(f"Received {hurry.name}")
    server.signal(hurry)

    assert server.process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []
    running.close()


@pytest.mark.slow
def test_a_signal_during_the_start_leaves_nothing(start_server, tmp_path):
    """The worker says that it starts, long before the server has imported all it needs."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nkill -TERM $PPID\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)

    server = start_server(
        "multi.py:Predictor", "--worker-python", str(python), TMPDIR=str(tmp_path)
    )

    assert server.process.wait(30) == 0
    assert list(tmp_path.iterdir()) == [python]
