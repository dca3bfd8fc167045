"""A hub in a folder of its own, without a server: the parts that most tests need."""

import asyncio
import shutil

import pytest

from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, open_hub


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A migrated database to copy: to migrate one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")

    async def make():
        async with open_hub(HubSettings(data=folder)):
            pass

    asyncio.run(make())
    return folder / DATABASE


@pytest.fixture
async def hub(tmp_path, empty_database):
    (tmp_path / "hub").mkdir()
    shutil.copy(empty_database, tmp_path / "hub" / DATABASE)
    async with open_hub(HubSettings(data=tmp_path / "hub")) as opened:
        yield opened


@pytest.fixture
async def alice(hub):
    return await hub.accounts.create("alice")


@pytest.fixture
async def bob(hub):
    return await hub.accounts.create("bob")
