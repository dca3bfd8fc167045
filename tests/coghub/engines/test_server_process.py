"""A model's server as a process of this command."""

from pathlib import Path

import pytest

from coghub.engines.server_process import ServerProcess

DESCRIPTORS = Path("/dev/fd")


def test_a_server_that_cannot_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    before = sorted(it.name for it in DESCRIPTORS.iterdir())

    with pytest.raises(FileNotFoundError):
        ServerProcess.start([str(tmp_path / "no-python")], folder=tmp_path, environ={})

    assert sorted(it.name for it in DESCRIPTORS.iterdir()) == before
