"""The memory of an instance is that of all its processes, whatever their sessions."""

import subprocess
import sys

import pytest

from coghub.executors.process_memory import memory_of_tree

CHILD = """
import sys
held = bytearray(b"x" * 50_000_000)
print("held", flush=True)
sys.stdin.read()
"""
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {CHILD!r}], start_new_session=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="told by /proc")
def test_the_whole_tree_counts():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PARENT], **pipes) as process:
        process.stdout.readline()

        assert memory_of_tree(process.pid) > 50_000_000

        process.stdin.close()
        process.wait()
    assert memory_of_tree(process.pid) is None
