"""Forms of pages: settings of models, tokens, webhooks, users."""

import re

import pytest
from played_prediction import Play

from coghub.database import webhooks
from coghub.database.webhooks import Attempt
from coghub.domain.model import Visibility
from coghub.domain.prediction import Source
from coghub.predictions.predictions import Order


@pytest.fixture
async def owner(browser, model):
    return await browser("alice")


@pytest.fixture
def change(owner):
    async def sent(**fields):
        return await owner.post("/alice/paint/settings", **fields)

    return sent


async def test_a_model_is_created_private_unless_said_otherwise(browser, hub, alice):
    visitor = await browser("alice")

    done = await visitor.post("/create", name="first", visibility="private")
    public = await visitor.post("/create", name="second", visibility="public", description="It is")
    again = await visitor.post("/create", name="first")
    bad = await visitor.post("/create", name="Not A Name")

    assert done.headers["location"] == "/alice/first"
    assert public.status_code == 303
    assert (again.status_code, bad.status_code) == (422, 422)
    assert "A model of that name exists" in again.text
    assert 'value="Not A Name"' in bad.text
    made = await hub.models.get(alice, "alice", "first")
    assert made.visibility is Visibility.PRIVATE


async def test_the_settings_of_a_model_are_changed_one_by_one(change, hub, alice, bob, owner):
    answers = [
        await change(do="about", description="New", readme="# Hi"),
        await change(do="visibility", visibility="public"),
        await change(do="visibility", visibility="private"),
        await change(do="hardware", hardware="cpu"),
        await change(do="share", name="bob"),
        await change(do="variable", name="A_KEY", value="s3cret", is_secret="on"),
    ]

    assert [it.status_code for it in answers] == [303] * 6
    model = await hub.models.get(alice, "alice", "paint")
    assert (model.description, model.readme, model.hardware) == ("New", "# Hi", "cpu")
    assert model.visibility is Visibility.PRIVATE
    assert await hub.sharing.names(model) == ["bob"]
    assert await hub.variables.environment_of(model.id) == {"A_KEY": "s3cret"}
    page = await owner.get("/alice/paint/settings")
    assert "A_KEY" in page.text
    assert "s3cret" not in page.text
    await change(do="unshare", name="bob")
    await change(do="unset", name="A_KEY")
    assert await hub.sharing.names(model) == []
    assert await hub.variables.environment_of(model.id) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "nonsense"},
        {},
        {"do": "visibility", "visibility": "x"},
        {"do": "hardware", "hardware": "gpu-none"},
        {"do": "share", "name": "nobody"},
        {"do": "variable", "name": "PATH", "value": "x"},
        {"do": "unset", "name": "NOT_THERE"},
        {"do": "delete", "name": "paint"},
        {"do": "delete", "name": "alice/paint"},
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(change, fields):
    answer = await change(**fields)

    assert answer.status_code == 422
    assert 'class="note bad" role="alert"' in answer.text


async def test_an_empty_private_model_is_deleted_by_its_name(browser, hub, alice):
    await hub.models.create(alice, "alice", "gone")
    visitor = await browser("alice")

    done = await visitor.post("/alice/gone/settings", do="delete", name="alice/gone")

    assert done.headers["location"] == "/"
    assert (await visitor.get("/alice/gone")).status_code == 404


async def test_settings_are_for_the_owner(browser, hub, model, bob):
    await hub.sharing.add(model, "bob")
    visitor = await browser("bob")

    assert (await visitor.get("/alice/paint/settings")).status_code == 403
    answer = await visitor.post("/alice/paint/settings", do="visibility", visibility="public")
    assert answer.status_code == 403


async def test_a_token_is_shown_once_and_can_be_revoked(browser, hub, alice, bob):
    visitor = await browser("alice")

    made = await visitor.post("/account/tokens")

    token = re.search(r"chub_[\w-]{43}", made.text)[0]
    assert (await hub.accounts.authenticate(token)).name == "alice"
    page = (await visitor.get("/account")).text
    assert token not in page
    number = re.search(r'name="id" value="(\d+)"', page)[1]
    other = await (await browser("bob")).post("/account/tokens/revoke", id=number)
    assert other.status_code == 422
    assert (await visitor.post("/account/tokens/revoke", id="x")).status_code == 422
    assert (await visitor.post("/account/tokens/revoke", id=number)).status_code == 303
    assert "None." in (await visitor.get("/account")).text


async def test_deliveries_are_listed_with_their_attempts_and_sent_again(
    browser, hub, alice, bob, model
):
    url = "http://receiver.test/hook"
    order = Order(model, model.latest_version, {"image": "https://a.b/c"}, "", Source.API, url)
    made = await hub.predictions.create(alice, order)
    await (await Play(hub, made.id).start()).end()
    due = await hub.database.read(
        lambda c: webhooks.due(c, hub.now(), per_receiver=9, per_account=9)
    )
    failed = Attempt(500, "The receiver answered 500", response="<b>oh</b>")
    await hub.database.write(
        lambda c: webhooks.record(c, due[0], failed, now=hub.now(), retry_at=None)
    )
    visitor = await browser("alice")

    page = (await visitor.get("/webhooks")).text
    stranger = await (await browser("bob")).post("/webhooks/replay", id=due[0].id)
    again = await visitor.post("/webhooks/replay", id=due[0].id)

    assert "failed" in page
    assert "answered 500" in page
    assert "&lt;b&gt;oh&lt;/b&gt;" in page
    assert (stranger.status_code, again.status_code) == (404, 303)
    due = await hub.database.read(
        lambda c: webhooks.due(c, hub.now(), per_receiver=9, per_account=9)
    )
    assert [it.prediction_id for it in due] == [made.id]
    taken = Attempt(200, None, response="thanks")
    await hub.database.write(
        lambda c: webhooks.record(c, due[0], taken, now=hub.now(), retry_at=None)
    )
    page = (await visitor.get("/webhooks")).text
    assert "delivered" in page
    assert "2 attempts" in page


async def test_an_administrator_makes_users_and_collects_garbage(browser, hub, alice):
    await hub.accounts.create("chief", is_admin=True)
    chief, other = await browser("chief"), await browser("alice")

    made = await chief.post("/admin/users", name="eve")
    again = await chief.post("/admin/users", name="eve")
    password = await chief.post("/admin/password", name="eve", password="long enough now")
    collected = await chief.post("/admin/gc")

    token = re.search(r"chub_[\w-]{43}", made.text)[0]
    assert (await hub.accounts.authenticate(token)).name == "eve"
    assert again.status_code == 422
    assert "The password was set" in password.text
    assert "Removed 0 blobs" in collected.text
    for path in ("/admin/users", "/admin/tokens", "/admin/password", "/admin/gc"):
        assert (await other.post(path, name="eve", password="long enough now")).status_code == 403


async def test_the_dashboard_counts_what_waits_and_was_used(browser, hub, alice, bob, model):
    order = Order(model, model.latest_version, {"image": "https://a.b/c"}, "")
    await hub.predictions.create(alice, order)
    ended = await hub.predictions.create(alice, order)
    await (await Play(hub, ended.id).start()).end()

    page = (await (await browser("alice")).get("/dashboard")).text
    other = (await (await browser("bob")).get("/dashboard")).text

    assert "<b>1</b>waiting" in page
    assert "alice/paint" in page
    assert "alice/paint" not in other
