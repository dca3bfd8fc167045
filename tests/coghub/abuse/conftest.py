"""A hub with something in it that strangers may not have."""

import io
import logging

import msgspec
import pytest
import structlog
from tests.coghub.pushed import register_version

from coghub.app import asgi
from coghub.database.models import PushedVersion
from coghub.domain.model import Visibility
from coghub.predictions.predictions import Order
from coghub.serving.log_lines import log_to

SCHEMA = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "count": {"type": "integer", "minimum": 0},
                    "key": {"type": "string", "format": "password", "x-cog-secret": True},
                    "file": {"type": "string", "format": "uri"},
                    "nested": {"type": "object", "additionalProperties": {"type": "array"}},
                },
            },
            "Output": {"type": "string"},
        }
    }
}
VERSION_ID = "a" * 64


@pytest.fixture
def app(hub):
    return asgi(hub)


@pytest.fixture
async def alices(hub, alice):
    """What alice has: a private model with a version, a prediction, a file, a token."""
    model = await hub.models.create(alice, "alice", "secret-painter")
    version = await register_version(
        hub, model, PushedVersion(VERSION_ID, "0.23.1", SCHEMA, {}, is_bundle=True)
    )
    order = Order(model, version, {"text": "mine"}, "http://hub.test")
    prediction = await hub.predictions.create(alice, order)
    return msgspec.defstruct("Alices", ["model", "version", "prediction", "token"])(
        model, version, prediction, await hub.accounts.create_token("alice")
    )


@pytest.fixture
async def open_model(hub, alice):
    return await hub.models.create(alice, "alice", "open", visibility=Visibility.PUBLIC)


@pytest.fixture(autouse=True)
def log():
    """All that is logged, from `debug` on."""
    root, uvicorn = logging.root, logging.getLogger("uvicorn")
    before = structlog.get_config(), root.handlers[:], root.level, uvicorn.level
    stream = io.StringIO()
    log_to(stream, level="debug")
    yield stream
    config, root.handlers[:], root.level, uvicorn.level = before
    structlog.configure(**config)
