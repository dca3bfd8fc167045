"""The registry of the CNCF, started for tests."""

import shutil
import socket
import subprocess
from contextlib import contextmanager

import pytest

DOCKER_REGISTRY = shutil.which("docker-registry")
CONFIG = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def started_registry(folder):
    """Yield the address of a registry that keeps its blobs in a folder."""
    if DOCKER_REGISTRY is None:
        pytest.skip("needs docker-registry, a package of Debian")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder / "blobs", port=port))
    process = subprocess.Popen(
        [DOCKER_REGISTRY, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for(port, process):
    """Connect again and again until somebody answers."""
    while not is_open(port):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True
