"""Locks between processes; two open files in one process are two holders as well."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coghub.build import file_lock

NOBODY = 65534


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder with `a.lock` where nothing may be written, not by root either."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:  # nobody else may enter pytest's own
        folder = Path(name)
        (folder / "a.lock").touch(0o444)
        folder.chmod(0o555)
        if is_root:
            os.seteuid(NOBODY)
        try:
            if not (folder / "a.lock").exists():
                pytest.skip("another user may not enter the folder for temporary files")
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_many_may_share_and_one_may_have_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.lock"
    one, two = file_lock.shared(path), file_lock.shared(path)

    assert one is not None
    assert two is not None
    assert file_lock.exclusive(path) is None

    one.release()
    two.release()
    alone = file_lock.wait_exclusive(path)
    assert file_lock.shared(path) is None
    alone.release()
    file_lock.wait_shared(path).release()


def test_a_removed_lock_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    first = file_lock.wait_exclusive(path)
    first.remove()

    second = file_lock.exclusive(path)

    assert second is not None
    assert path.exists()
    second.release()


def test_what_may_only_be_read_can_be_shared(read_only: Path) -> None:
    lock = file_lock.shared(read_only / "a.lock")

    assert lock is not None
    for refused in (file_lock.exclusive, file_lock.wait_exclusive):
        with pytest.raises(PermissionError):
            refused(read_only / "a.lock")
    with pytest.raises(PermissionError):
        file_lock.shared(read_only / "b.lock")
    lock.release()


@pytest.mark.slow
def test_a_lock_lives_on_in_what_the_process_becomes(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    program = (
        "import os, sys; from pathlib import Path; from coghub.build import file_lock\n"
        f"file_lock.shared(Path({str(path)!r}))\n"
        "os.execv('/bin/sh', ['sh', '-c', 'echo ready; read line'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"

        assert file_lock.exclusive(path) is None

        process.stdin.write("end\n")
        process.stdin.flush()
        process.wait()
    after = file_lock.exclusive(path)
    assert after is not None
    after.release()
