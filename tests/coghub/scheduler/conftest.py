"""A hub whose instances are fakes, and its background, running."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert
from tests.coghub.pushed import register_version
from tests.fakes.executor import FakeExecutor

from coghub.background import Addresses, Background
from coghub.database.models import PushedVersion
from coghub.database.schema import manifests
from coghub.domain.clock import utc_now
from coghub.predictions.predictions import Order

LIMIT_S = 20
SCHEMA = {"components": {"schemas": {"Input": {"type": "object"}, "Output": {}}}}


class Clock:
    """The real time, and what a test adds."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return utc_now() + self.ahead

    def advance(self, span):
        self.ahead += span


@pytest.fixture
def clock():
    return Clock()


async def add_version(hub, account, name, *, slots=1, has_gpu=False):
    """Make a model with one version, and return what orders a prediction of it."""
    digest = (name.encode().hex() + "0" * 64)[:64]
    model = await hub.models.create(account, account.name, name)
    config = {"concurrency": {"max": slots}, "build": {"gpu": has_gpu}}
    version = PushedVersion(digest, "0.23.1", SCHEMA, config, is_bundle=True)
    version = await register_version(hub, model, version)
    await hub.database.write(
        lambda c: c.execute(
            insert(manifests).values(
                repository=model.full_name,
                digest=f"sha256:{digest}",
                media_type="application/vnd.oci.image.manifest.v1+json",
                content=b"{}",
                created_at=hub.now(),
                used_at=hub.now(),
            )
        )
    )
    return lambda **given: Order(model, version, given, "http://hub.example")


class Running:
    """A background that runs, and what tests ask of it."""

    def __init__(self, hub, executor, background):
        self.hub = hub
        self.executor = executor
        self.background = background
        self.fleet = background.fleet

    async def make(self, account, order):
        return await self.hub.predictions.create(account, order)

    async def end_of(self, prediction):
        return await self.hub.predictions.wait(prediction, LIMIT_S)

    async def run(self, account, order):
        return await self.end_of(await self.make(account, order))

    async def until(self, is_so):
        """Wait until something holds; a tick of the event loop at a time."""
        async with asyncio.timeout(LIMIT_S):
            while not is_so():  # noqa: ASYNC110 - fakes have no events for all of it
                await asyncio.sleep(0.005)

    async def until_status(self, prediction, status):
        async with asyncio.timeout(LIMIT_S):
            with self.hub.signals.following(prediction.id) as changed:
                while (await self.hub.predictions.find(prediction.id)).status != status:
                    await changed.wait()
                    changed.clear()


async def show(prediction_id):
    return None


@asynccontextmanager
async def running(hub, executor):
    """Run the background of a hub inside the block."""
    addresses = Addresses("http://hub.example", "http://127.0.0.1:1")
    background = Background(hub, executor, addresses, show)
    async with background.running():
        yield Running(hub, executor, background)


@pytest.fixture
def executor():
    return FakeExecutor()


@pytest.fixture
def one_place(hub):
    """The hub, with room for one instance."""
    cpu = replace(hub.hardware[0], capacity=1)
    return replace(hub, own_hardware=(cpu,))


@pytest.fixture
async def started(one_place, executor):
    async with running(one_place, executor) as it:
        yield it


@pytest.fixture
async def hello(hub, alice):
    return await add_version(hub, alice, "hello")
