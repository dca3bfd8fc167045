"""What all tests share."""

import pytest
from hypothesis import settings
from s3_server import s3_server
from tests.docker_engine import Engine, engine
from tests.postgres_server import server

# A deadline is a timing assertion: a busy machine would fail tests that are right.
settings.register_profile("coghub", deadline=None)
settings.load_profile("coghub")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        action="store_true",
        help="Give every hub a database on a PostgreSQL server that is started for it.",
    )


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server; the test is skipped without one."""
    with server() as found:
        if isinstance(found, str):
            pytest.skip(found)
        yield found


@pytest.fixture(scope="session")
def s3():
    """A real server that speaks S3."""
    with s3_server() as found:
        yield found


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
