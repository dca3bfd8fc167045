"""However the command ends, what it started ends with it."""

import os
import select
import signal

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="follows processes by pidfd: Linux"),
]

MARK = "COGHUB_TEST_MARK"
LONGEST_END_S = 20
STAGES = {
    "setup": ([], {"SETUP_WAITS": "1"}, "loading"),
    "prediction": (["-i", "what=wait"], {}, "working"),
}


def marked(value):
    """Return the processes that carry the mark in their environment."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - only names matter
        try:
            with open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123 - many tiny reads
                environ = file.read().split(b"\0")
        except OSError:
            continue
        if f"{MARK}={value}".encode() in environ:
            found.append(int(name))
    return found


def wait_for_end(pid):
    """Return when a process that need not be a child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], LONGEST_END_S)
    os.close(descriptor)
    assert ended, f"process {pid} lives on"


@pytest.fixture
def waiting(started, tmp_path):
    """Start a prediction that waits in a stage; every process of it carries the mark."""

    def run(stage):
        arguments, environ, sign = STAGES[stage]
        command = started("predict", *arguments, environ={**environ, MARK: str(tmp_path)})
        command.wait_for(sign)
        return command

    return run


@pytest.mark.parametrize(
    ("stage", "number", "exit_code"),
    [
        ("setup", signal.SIGINT, 130),
        ("setup", signal.SIGKILL, -signal.SIGKILL),
        ("prediction", signal.SIGINT, 130),
        ("prediction", signal.SIGTERM, 1),
        ("prediction", signal.SIGHUP, 1),
        ("prediction", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_signal_to_the_command_alone_ends_all(waiting, tmp_path, stage, number, exit_code):
    command = waiting(stage)
    pids = marked(tmp_path)
    assert len(pids) >= 4  # the command, its lifeline, the server, the worker

    command.process.send_signal(number)

    code, out, said = command.end()
    assert (code, out) == (exit_code, "")
    assert "Traceback" not in said.replace("Traceback (most recent call last)", "", 1)
    for pid in pids:
        wait_for_end(pid)
    assert marked(tmp_path) == []


def test_ctrl_c_at_a_terminal_reaches_the_whole_group_and_ends_all(waiting, tmp_path):
    command = waiting("prediction")

    os.killpg(command.process.pid, signal.SIGINT)

    assert command.end()[0] == 130
    assert marked(tmp_path) == []
