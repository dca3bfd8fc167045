"""The audit trail is shown to administrators alone."""

import pytest
from hub_client import Client

from coghub.app import asgi


@pytest.fixture
async def root(hub):
    return await hub.accounts.create("root", is_admin=True)


async def test_who_changed_what_is_shown(browser, root, model, hub):
    visitor = await browser("root")
    await visitor.post("/alice/paint/settings", do="visibility", visibility="public")
    await visitor.post(
        "/alice/paint/settings", do="variable", name="KEY", value="<sesame>", is_secret="on"
    )

    page = (await visitor.get("/admin/audit?actor=root&subject=alice/paint")).text

    assert "private → public" in page
    assert "variable.set" in page
    assert "sesame" not in page
    assert "account.create" not in page
    assert "account.create" in (await visitor.get("/admin/audit")).text


async def test_a_long_trail_has_pages(browser, root, hub):
    for _ in range(60):
        await hub.accounts.create_token("root")
    visitor = await browser("root")

    first = (await visitor.get("/admin/audit")).text
    link = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = (await visitor.get(f"/admin/audit{link}")).text

    assert first.count("token.create") == 50
    assert second.count("token.create") == 10
    assert "account.create" in second


async def test_others_are_shown_nothing(browse, alice):
    assert (await browse("/admin/audit", "alice")).status_code == 403
    assert (await browse("/admin/audit")).status_code == 303


async def test_what_a_program_changes_has_its_account(browser, root, hub, model):
    client = Client(asgi(hub), await hub.accounts.create_token("alice"))
    await client("PATCH", "/v1/models/alice/paint", json={"description": "new"})

    page = (await (await browser("root")).get("/admin/audit?actor=alice")).text

    assert "model.change" in page
    assert "<td>api</td>" in page
