"""A hub that listens: for clients that bring their own HTTP."""

import pytest

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
