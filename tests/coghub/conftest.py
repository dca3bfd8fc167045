"""A hub in a folder of its own, without a server: the parts that most tests need.

`pytest --postgres` gives every such hub a database on PostgreSQL. Without it, those of the places
in `BOTH` run on both databases, where PostgreSQL is installed.
"""

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from coghub.database.database import SqliteDatabase
from coghub.database.postgres import PostgresDatabase
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, open_hub

HERE = Path(__file__).parent
BOTH = (
    *(HERE / name for name in ("database", "files", "predictions", "models", "scheduler")),
    HERE / "registry" / "test_several_hubs.py",
)


def pytest_generate_tests(metafunc):
    """Say on which databases a test runs."""
    if "database_kind" not in metafunc.fixturenames:
        return
    kinds = ["sqlite"]
    if metafunc.config.getoption("postgres"):
        kinds = ["postgresql"]
    elif any(metafunc.definition.path.is_relative_to(folder) for folder in BOTH):
        kinds = ["sqlite", "postgresql"]
    if any(mark.name == "sqlite_only" for mark in metafunc.definition.iter_markers()):
        kinds = ["sqlite"]
    ids = None if kinds != ["sqlite"] else [pytest.HIDDEN_PARAM]
    metafunc.parametrize("database_kind", kinds, ids=ids)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A migrated database to copy: to migrate one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    asyncio.run(_begin(HubSettings(data=folder)))
    return folder / DATABASE


@pytest.fixture(scope="session")
def empty_template(tmp_path_factory, postgres_server):
    """The same on PostgreSQL: the name of a database to copy."""
    name = postgres_server.make()
    folder = tmp_path_factory.mktemp("empty-template")
    asyncio.run(_begin(HubSettings(data=folder, database=postgres_server.url(name))))
    return name


async def _begin(settings):
    async with open_hub(settings):
        pass


@pytest.fixture
def settings_of(request, database_kind):
    """What makes settings, as `settings_of(folder, queue_limit=1)`, of a hub that is migrated."""
    with ExitStack() as databases:

        def settings(folder, **changes):
            if database_kind == "postgresql":
                server = request.getfixturevalue("postgres_server")
                template = request.getfixturevalue("empty_template")
                changes["database"] = databases.enter_context(server.database(template))
            elif not (folder / DATABASE).exists():
                folder.mkdir(exist_ok=True)
                shutil.copy(request.getfixturevalue("empty_database"), folder / DATABASE)
            return HubSettings(data=folder, **changes)

        yield settings


@pytest.fixture
def hub_settings(settings_of, tmp_path):
    """The settings of the hub that most tests need."""
    return settings_of(tmp_path / "hub")


@pytest.fixture
def empty_url(request, database_kind):
    """The address of a migrated database of a server; None where rows are in a file."""
    if database_kind == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgres_server")
    with server.database(request.getfixturevalue("empty_template")) as url:
        yield url


@pytest.fixture
def new_database(tmp_path, request, database_kind):
    """What opens an empty database; each call the same one."""
    if database_kind == "sqlite":
        yield lambda: SqliteDatabase(tmp_path / "rows.db")
        return
    with request.getfixturevalue("postgres_server").database() as url:
        yield lambda: PostgresDatabase(url)


@pytest.fixture
async def hub(hub_settings):
    async with open_hub(hub_settings) as opened:
        yield opened


@pytest.fixture
async def alice(hub):
    return await hub.accounts.create("alice")


@pytest.fixture
async def bob(hub):
    return await hub.accounts.create("bob")
