"""The hub's HTTP in this process: every request goes through the whole application."""

import pytest
from hub_client import Client
from tests.coghub.pushed import register_version

from coghub.app import asgi
from coghub.database.models import PushedVersion
from coghub.domain.model import Visibility

SCHEMA = {
    "openapi": "3.0.2",
    "info": {"title": "Cog", "version": "0.1.0"},
    "paths": {},
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "title": "Input",
                "required": ["text"],
                "properties": {
                    "text": {"type": "string", "title": "Text", "x-order": 0},
                    "count": {"type": "integer", "minimum": 1, "maximum": 9, "x-order": 1},
                },
            },
            "Output": {"type": "string", "title": "Output"},
        }
    },
}


@pytest.fixture
def app(hub):
    return asgi(hub)


@pytest.fixture
async def as_alice(hub, app, alice):
    return Client(app, await hub.accounts.create_token("alice"))


@pytest.fixture
async def as_bob(hub, app, bob):
    return Client(app, await hub.accounts.create_token("bob"))


@pytest.fixture
def as_nobody(app):
    return Client(app)


@pytest.fixture
async def model(hub, alice):
    """A private model of alice's, without versions."""
    return await hub.models.create(alice, "alice", "hello")


@pytest.fixture
def push(hub):
    """Make a version as a push does, and return it."""

    async def pushed(model, digit="a", schema=SCHEMA):
        config = {"predict": "predict.py:Predictor"}
        new = PushedVersion(digit * 64, "0.23.1", schema, config, is_bundle=True)
        return await register_version(hub, model, new)

    return pushed


@pytest.fixture
async def public_model(hub, alice):
    return await hub.models.create(alice, "alice", "open", visibility=Visibility.PUBLIC)
