"""What all tests share."""

import pytest
from hypothesis import settings
from tests.docker_engine import Engine, engine

# A deadline is a timing assertion: a busy machine would fail tests that are right.
settings.register_profile("coghub", deadline=None)
settings.load_profile("coghub")


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory):
    """A real engine with the base image `python:3.11-slim`; the test is skipped without one."""
    with engine(tmp_path_factory.mktemp("docker-config")) as found:
        if isinstance(found, str):
            pytest.skip(found)
        yield found


@pytest.fixture(scope="session")
def docker_environ(docker_engine: Engine) -> dict[str, str]:
    """What a command needs to use that engine, and to begin images with that base."""
    return docker_engine.environ
