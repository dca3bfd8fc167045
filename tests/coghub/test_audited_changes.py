"""Each way to change a hub leaves an entry in the audit trail, or is said to be no change.

The ways are read from the code: a route or a command that is in no list of `audited_ways` fails.
"""

import asyncio
import io
import json
import re
import sys
from dataclasses import replace

import click
import pytest
from hub_client import Client
from oci_images import Pusher
from tests.coghub.audited_ways import (
    CHANGES,
    COMMANDS,
    ID,
    NO_CHANGES,
    ONE,
    READS,
    SCHEMA,
    SECRET,
    SETTINGS,
    WHO,
    World,
)
from tests.coghub.pushed import register_version
from tests.coghub.web.conftest import Browser

from coghub.api.app import PARTS as API_PARTS
from coghub.app import asgi
from coghub.cli.main import operator_root, outcome_of
from coghub.database.audit import newest
from coghub.database.models import PushedVersion
from coghub.domain.deployment import Configuration
from coghub.domain.prediction import End, Status
from coghub.hub_settings import HubSettings
from coghub.opening import open_hub
from coghub.predictions.predictions import Order
from coghub.registry.app import _places as registry_places
from coghub.web.app import PARTS as WEB_PARTS
from coghub.web.deployment_pages import DeploymentPages
from coghub.web.model_settings import ModelSettings
from coghub.web.site import Site

pytestmark = pytest.mark.sqlite_only


def ways_of_routes(hub):
    """Yield every way by HTTP that may change something."""
    for part in API_PARTS:
        for route in part(hub).routes():
            yield from (f"api {it} {route.path}" for it in route.methods - READS)
    site = Site(hub)
    chosen = {SETTINGS: ModelSettings(site), ONE: DeploymentPages(site)}
    for part in WEB_PARTS:
        for route in part(site).routes():
            for method in route.methods - READS:
                way = f"web {method} {route.path}"
                words = [*chosen[way]._changes, "delete"] if way in chosen else []
                yield from ((f"{way} {it}" for it in words) if words else [way])
    for place in registry_places(hub):
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda it: it[1].upper(), place.path.pattern)
        path = path.removesuffix("/?")
        yield from (f"registry {it} {path}" for it in place.answers.keys() - READS)


def ways_of_commands(group=operator_root, before=()):
    """Yield every command for operators."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            if name != "cog":
                yield from ways_of_commands(command, (*before, name))
        else:
            yield " ".join(["command", *before, name])


async def test_every_way_to_change_a_hub_is_known(hub):
    typed = {" ".join(it[0].split()[: 1 if it[0] == "gc" else 2]) for it in COMMANDS}
    known = [*(it[0] for it in CHANGES), *(f"command {it}" for it in typed), *NO_CHANGES]

    assert {*ways_of_routes(hub), *ways_of_commands()} == set(known)


@pytest.fixture
async def world(hub, alice, bob):
    model = await hub.models.create(alice, "alice", "paint")
    await hub.models.create(alice, "alice", "empty")
    version = await register_version(
        hub, model, PushedVersion(ID, "0.23", SCHEMA, {}, is_bundle=True)
    )
    prediction = await hub.predictions.create(alice, Order(model, version, {}, "http://hub.test"))
    await hub.predictions.end(prediction.id, End(Status.SUCCEEDED))
    await hub.deployments.create(
        alice,
        "greeter",
        model="alice/paint",
        version_id=ID,
        configuration=Configuration("cpu", 0, 1),
    )
    await hub.accounts.create("root", is_admin=True)
    app = asgi(replace(hub, settings=replace(hub.settings, sign_up="open")))
    token = await hub.accounts.create_token("alice")

    async def browser(name):
        key = await hub.sessions.begin(await hub.accounts.get(name))
        return Browser(app, await hub.sessions.find(key), key)

    return World(
        hub,
        Client(app, token),
        await browser("alice"),
        await browser("root"),
        Browser(app),
        Pusher(app, token),
        model,
        prediction,
    )


async def entries(hub):
    return await hub.database.read(lambda c: newest(c, limit=1000))


@pytest.mark.parametrize(
    ("way", "actions", "go"), CHANGES, ids=[f"{it[0]} {it[1]}" for it in CHANGES]
)
async def test_a_change_by_http_leaves_its_entry(world, hub, way, actions, go):
    before = len(await entries(hub))

    await go(world)

    made = (await entries(hub))[: -before or None][::-1]
    assert [it.action for it in made] == actions.split()
    for last in made[-1:]:  # what comes before is the preparation's
        assert (last.actor.name, last.actor.via) == (WHO.get(way, "alice"), way.partition(" ")[0])
    assert all(it.subject for it in made)
    assert SECRET not in repr(made)


async def make_model(folder):
    async with open_hub(HubSettings(data=folder)) as hub:
        await hub.models.create(await hub.accounts.get("alice"), "alice", "paint")


@pytest.mark.parametrize(("typed", "stdin", "action"), COMMANDS, ids=[it[0] for it in COMMANDS])
def test_a_command_leaves_its_entry(tmp_path, monkeypatch, capsys, typed, stdin, action):
    monkeypatch.setenv("COGHUB_DATA", str(tmp_path / "data"))

    def run(words, given=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        assert outcome_of(operator_root, words.split(), usage_code=2) == 0, capsys.readouterr()
        return capsys.readouterr().out

    for words in ("user create alice", "token create alice", "collection create good"):
        run(words)
    asyncio.run(make_model(tmp_path / "data"))
    for words in ("env set alice/paint KEPT", "secret set alice/paint HIDDEN"):
        run(words, SECRET)
    before = json.loads(run("audit --json"))

    run(typed, stdin)

    made = json.loads(run("audit --json"))[: -len(before)]
    assert [it["action"] for it in made] == [action]
    assert (made[0]["actor"], made[0]["via"], made[0]["account_id"]) == (
        "operator",
        "command",
        None,
    )
    assert SECRET not in json.dumps(made)
