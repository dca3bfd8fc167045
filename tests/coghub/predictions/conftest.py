"""A model with one version, registered as the registry does it."""

import pytest
from tests.coghub.pushed import register_version

from coghub.database.models import PushedVersion
from coghub.predictions.predictions import Order

SCHEMA = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "key": {"type": "string"}},
            },
            "Output": {"type": "string"},
        }
    }
}


@pytest.fixture
async def model(hub, alice):
    made = await hub.models.create(alice, "alice", "hello")
    version = PushedVersion("a" * 64, "0.23.1", SCHEMA, {}, is_bundle=True)
    await register_version(hub, made, version)
    return await hub.models.get(alice, "alice", "hello")


@pytest.fixture
def order(model):
    return Order(model, model.latest_version, {"text": "python"}, "http://hub.example")
