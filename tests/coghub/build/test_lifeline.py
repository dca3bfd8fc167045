import os
import signal
import subprocess
import sys

import pytest

from coghub.build.lifeline import Lifeline

pytestmark = pytest.mark.slow

OWNER = """
import os, subprocess, sys
from coghub.build.lifeline import Lifeline

line = Lifeline()
child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=int(sys.argv[1]),
                         pass_fds=[int(sys.argv[1])])
line.guard(child.pid)
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_what_was_named_ends_when_its_owner_is_killed():
    """The child holds a pipe's end: the pipe ends when the child does."""
    reader, writer = os.pipe()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(writer)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[writer],
    )
    os.close(writer)
    assert owner.stdout is not None
    assert owner.stdin is not None
    owner.stdout.readline()

    owner.send_signal(signal.SIGKILL)

    owner.wait()
    assert os.read(reader, 1) == b""
    os.close(reader)
    owner.stdin.close()
    owner.stdout.close()


def test_letting_go_ends_nothing():
    line = Lifeline()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        line.guard(child.pid)

        line.close()

        assert child.poll() is None
        child.kill()
