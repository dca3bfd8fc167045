"""Two hubs that share one PostgreSQL, each with instances of its own, in the test's process."""

import shutil
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from tests.coghub.scheduler.conftest import add_version, running
from tests.fakes.executor import FakeExecutor

from coghub.domain.hardware import Hardware
from coghub.hub_settings import HubSettings
from coghub.opening import KEY_FILE, open_hub


class Pair:
    """Starts hubs over one database; the first one makes the key that all have."""

    def __init__(self, stack, folder, url):
        self._stack = stack
        self._folder = folder
        self._url = url
        self._count = 0

    async def open(self, **changes):
        """Open one, which does not run yet."""
        self._count += 1
        folder = self._folder / f"hub-{self._count}"
        if self._count > 1:
            folder.mkdir()
            shutil.copy(self._folder / "hub-1" / KEY_FILE, folder / KEY_FILE)
        shared = str(self._folder / "objects")
        settings = HubSettings(
            **{"data": folder, "database": self._url, "storage": shared, **changes}
        )
        return await self._stack.enter_async_context(open_hub(settings, is_claimed=True))

    async def start(self, *, places=1, gpus=(), executor=None, **changes):
        """Start one, with room for so many instances, and these GPUs."""
        hub = await self.open(**changes)
        cpu = replace(hub.own_hardware[0], capacity=places)
        gpu = Hardware("gpu", "A GPU", len(gpus), tuple(gpus))
        hardware = (cpu, gpu) if gpus else (cpu,)
        hub.peers._here = replace(hub.peers._here, hardware=hardware)
        hub = replace(hub, own_hardware=hardware)
        return await self._stack.enter_async_context(running(hub, executor or FakeExecutor()))


@pytest.fixture
async def hubs(tmp_path, postgres_server, empty_template):
    (tmp_path / "objects").mkdir()
    (tmp_path / "elsewhere").mkdir()
    with postgres_server.database(empty_template) as url:
        async with AsyncExitStack() as stack:
            yield Pair(stack, tmp_path, url)


@pytest.fixture
async def two(hubs):
    """Two hubs that know of each other."""
    one, other = await hubs.start(), await hubs.start()
    await one.until(lambda: one.hub.peers.others and other.hub.peers.others)
    return one, other


@pytest.fixture
async def person(two):
    return await two[0].hub.accounts.create("alice")


@pytest.fixture
async def order(two, person):
    return await add_version(two[0].hub, person, "hello")
