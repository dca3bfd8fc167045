import os
import subprocess
import sys

import pytest
from tests.docker_engine import BASE

from coghub.build.docker.client import find_docker
from coghub.build.docker.container import LABEL
from coghub.build.docker.leftovers import own_label, owner_of, remove_leftovers
from coghub.settings import read_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_only_containers_whose_owner_has_ended_are_removed(docker_engine):
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    gone = owner_of(ended.pid)
    ended.wait()
    elsewhere = f"another-machine boot {ended.pid} 1"
    names = {}
    for kind, owner in (("gone", gone), ("here", own_label()[LABEL]), ("elsewhere", elsewhere)):
        names[kind] = f"coghub-test-{kind}-{os.getpid()}"
        docker_engine.run("create", "--name", names[kind], f"--label={LABEL}={owner}", BASE)
    environ = {**os.environ, **docker_engine.environ}  # noqa: TID251 - a process's own

    try:
        remove_leftovers(find_docker(read_settings(environ)))

        there = docker_engine.containers(LABEL)
        assert names["gone"] not in there
        assert {names["here"], names["elsewhere"]} <= set(there)
    finally:
        docker_engine.run("rm", "--force", names["here"], names["elsewhere"])


def test_a_process_has_the_same_owner_as_long_as_it_lives():
    assert owner_of(os.getpid()) == own_label()[LABEL]
