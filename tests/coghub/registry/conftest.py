"""A hub that listens, and clients of the one that does not."""

import pytest
from hub_client import Client
from oci_images import Pusher

from coghub.app import asgi
from coghub.serving.listener import bind, listening, url_of


@pytest.fixture
async def address(hub):
    """The host and port of the hub."""
    listener = bind("127.0.0.1", 0)
    async with listening(asgi(hub), listener):
        yield url_of(listener).removeprefix("http://")


@pytest.fixture
async def token(hub, alice):
    return await hub.accounts.create_token(alice.name)


@pytest.fixture
def app(hub):
    return asgi(hub)


@pytest.fixture
def as_alice(app, token):
    return Pusher(app, token)


@pytest.fixture
async def as_bob(hub, app, bob):
    return Pusher(app, await hub.accounts.create_token("bob"))


@pytest.fixture
def as_nobody(app):
    return Client(app)
