"""What all tests share."""

from functools import cache

import pytest
from hypothesis import settings
from s3_server import s3_server
from tests.acceptance.hub_process import HubProcess
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("postgres"):
        reason = "It is about the file in which SQLite has the rows"
        for item in items:
            if item.get_closest_marker("sqlite_only"):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _hub_processes_on_postgres(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("postgres"):
        server = request.getfixturevalue("postgres_server")
        HubProcess.database_of = staticmethod(cache(lambda _folder: server.url(server.make())))


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
