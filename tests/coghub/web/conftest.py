"""The hub's pages in this process."""

import base64

import pytest
from hub_client import Client

from coghub.app import asgi

SCHEMA = {
    "components": {
        "schemas": {
            "Style": {"enum": ["oil", "ink"], "type": "string"},
            "Input": {
                "required": ["image"],
                "properties": {
                    "style": {
                        "allOf": [{"$ref": "#/components/schemas/Style"}],
                        "default": "oil",
                        "x-order": 1,
                    },
                    "image": {
                        "type": "string",
                        "format": "uri",
                        "x-order": 0,
                        "description": "<script>alert(1)</script>",
                    },
                    "steps": {"type": "integer", "minimum": 1, "maximum": 9, "x-order": 2},
                },
            },
            "Output": {"type": "array", "items": {"type": "string", "format": "uri"}},
        }
    }
}


@pytest.fixture
def browse(hub):
    """Ask for a page, as somebody or as nobody."""
    client = Client(asgi(hub))

    async def asked(path, name=None, token=None):
        headers = {}
        if name is not None:
            token = token or await hub.accounts.create_token(name)
            signed = base64.b64encode(f"{name}:{token}".encode()).decode()
            headers["authorization"] = f"Basic {signed}"
        return await client("GET", path, headers=headers)

    return asked


@pytest.fixture
def schema():
    return SCHEMA
