"""The hub's pages in this process."""

from dataclasses import replace

import pytest
from hub_client import Client
from tests.coghub.pushed import register_version

from coghub.app import asgi
from coghub.database.models import PushedVersion
from coghub.domain.deployment import Configuration
from coghub.web.site import cookie_name

BASE = "http://hub.test"
README = """# Paint

<script>alert(1)</script>

[here](javascript:alert(1))

|a|
|-|
|b|
"""
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


class Browser:
    """Somebody's browser: it keeps a session, and knows the token of its pages' forms."""

    def __init__(self, app, session=None, key=""):
        self.client = Client(app, base_url=BASE)
        self.csrf = session.csrf if session else ""
        if key:
            self.client.http.cookies.set(cookie_name(BASE), key)

    async def get(self, path, **options):
        return await self.client("GET", path, **options)

    async def post(self, path, **fields):
        """Send a form as one of the hub's own pages does."""
        return await self.client(
            "POST", path, data={"csrf": self.csrf, **fields}, headers={"origin": BASE}
        )

    async def send(self, path, content):
        """Send JSON as one of the hub's own scripts does."""
        headers = {"sec-fetch-site": "same-origin", "x-csrf-token": self.csrf}
        return await self.client("POST", path, json=content, headers=headers)


@pytest.fixture
def browser(hub):
    """Return a browser in which an account is signed in, or nobody."""
    whole = hub

    async def opened(name=None, **settings):
        app = asgi(replace(whole, settings=replace(whole.settings, **settings)))
        if name is None:
            return Browser(app)
        key = await hub.sessions.begin(await hub.accounts.get(name))
        return Browser(app, await hub.sessions.find(key), key)

    return opened


@pytest.fixture
def browse(browser):
    """Ask for a page, as somebody or as nobody."""

    async def asked(path, name=None):
        return await (await browser(name)).get(path)

    return asked


@pytest.fixture
async def model(hub, alice):
    fields = {
        "description": "It <b>paints</b>",
        "readme": README,
        "github_url": "https://git.example/a?b=<c>",
    }
    made = await hub.models.create(alice, "alice", "paint", fields=fields)
    await register_version(hub, made, PushedVersion("a" * 64, "0.23", SCHEMA, {}, is_bundle=True))
    return await hub.models.get(alice, "alice", "paint")


@pytest.fixture
async def greeter(hub, alice, model):
    """A deployment of that model."""
    return await hub.deployments.create(
        alice,
        "greeter",
        model="alice/paint",
        version_id="a" * 64,
        configuration=Configuration("cpu", 0, 2),
    )
