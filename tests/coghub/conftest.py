"""A hub in a folder of its own, without a server: the parts that most tests need."""

import pytest

from coghub.hub_settings import HubSettings
from coghub.opening import open_hub


@pytest.fixture
async def hub(tmp_path):
    async with open_hub(HubSettings(data=tmp_path / "hub")) as opened:
        yield opened


@pytest.fixture
async def alice(hub):
    return await hub.accounts.create("alice")


@pytest.fixture
async def bob(hub):
    return await hub.accounts.create("bob")
