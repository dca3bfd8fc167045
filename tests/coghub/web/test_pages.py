"""Pages: who sees what, and that nothing on them runs."""

from urllib.parse import quote

import pytest
from played_prediction import Play
from tests.coghub.pushed import register_version

from coghub.database.models import PushedVersion
from coghub.domain.model import Visibility
from coghub.predictions.predictions import Order


@pytest.fixture
async def prediction(hub, alice, model):
    order = Order(model, model.latest_version, {"image": "https://a.b/<c>"}, "http://hub.test")
    made = await hub.predictions.create(alice, order)
    play = await Play(hub, made.id).start()
    await play.log("painting <i>now</i>")
    await play.output([await play.file(b"one", "a b.png")])
    await play.end()
    return made


TABS = ("", "/api", "/examples", "/versions", "/readme")


async def test_a_model_is_shown_to_its_owner(browse, model):
    pages = [await browse(f"/alice/paint{tab}", "alice") for tab in (*TABS, "/settings")]

    assert [it.status_code for it in pages] == [200] * 6
    for page in pages:
        assert "It &lt;b&gt;paints&lt;/b&gt;" in page.text
        assert "<script>alert" not in page.text
        assert 'href="javascript' not in page.text
    form, api, _, versions, readme, _ = (it.text for it in pages)
    assert form.index('data-name="image"') < form.index('data-name="style"')
    assert "at least 1, at most 9" in form
    assert f"alice/paint:{'a' * 64}" in api
    assert "aaaaaaaaaaaa" in versions
    assert "<h1>Paint</h1>" in readme
    assert "<td>b</td>" in readme


async def test_every_page_runs_the_hubs_own_scripts_only(browse, model):
    for path in ("/", "/alice/paint", "/nothing/here", "/static/x/coghub.css", "/login"):
        answer = await browse(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("tab", [*TABS, "/settings", f"/versions/{'a' * 64}/run"])
async def test_a_private_model_does_not_exist_for_strangers(browser, model, bob, tab):
    for who in (None, "bob"):
        visitor = await browser(who)
        page = await visitor.get(f"/alice/paint{tab}")
        nothing = await visitor.get(f"/alice/other{tab}")

        assert page.status_code == nothing.status_code
        assert page.status_code in {303, 404, 405}
        assert page.text == nothing.text.replace("other", "paint")


async def test_a_public_model_is_seen_by_everyone(browse, hub, alice, model):
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PUBLIC})

    page = await browse("/alice/paint")

    assert page.status_code == 200
    assert "Sign in to run" in page.text
    assert "/settings" not in page.text


async def test_a_shared_model_is_seen_by_whom_it_is_shared_with(browse, hub, model, bob):
    await hub.sharing.add(model, "bob")

    assert (await browse("/alice/paint", "bob")).status_code == 200
    assert (await browse("/alice/paint")).status_code == 404


async def test_a_version_has_an_address(browse, model):
    answer = await browse(f"/alice/paint/versions/{'a' * 64}", "alice")

    assert answer.headers["location"] == f"/alice/paint?_v={'a' * 64}"
    assert (await browse(f"/alice/paint?_v={'a' * 64}", "alice")).status_code == 200
    assert (await browse(f"/alice/paint?_v={'b' * 64}", "alice")).status_code == 404


async def test_the_address_fills_the_form_in(browse, model):
    page = await browse('/alice/paint?image=https://a.b/"><c>&steps=7&style=ink&nothing=1', "alice")

    assert 'value="https://a.b/&#34;&gt;&lt;c&gt;"' in page.text
    assert '<option value="&#34;ink&#34;" selected>' in page.text
    assert 'value="7"' in page.text


async def test_a_model_without_versions_says_how_to_push(browse, hub, alice):
    await hub.models.create(alice, "alice", "empty")

    answer = await browse("/alice/empty", "alice")

    assert "cog push hub.test/alice/empty" in answer.text


async def test_home_lists_own_and_public_models(browse, hub, model, bob):
    await hub.models.create(bob, "bob", "open", visibility=Visibility.PUBLIC)
    await hub.models.create(bob, "bob", "hidden")

    shown = (await browse("/", "alice")).text

    assert "alice/paint" in shown
    for text in (shown, (await browse("/")).text, (await browse("/explore?q=open")).text):
        assert "bob/open" in text
        assert "bob/hidden" not in text


async def test_an_owner_sees_the_whole_prediction(browse, prediction):
    text = (await browse(f"/p/{prediction.id}", "alice")).text

    assert "succeeded" in text
    assert "https://a.b/&lt;c&gt;" in text
    assert "painting &lt;i&gt;now&lt;/i&gt;" in text
    assert 'src="/files/' in text
    assert "a%20b.png" in text


@pytest.mark.parametrize("who", [None, "bob"])
async def test_others_with_the_link_see_only_how_far_it_is(browse, prediction, bob, who):
    answer = await browse(f"/p/{prediction.id}", who)

    assert answer.status_code == 200
    assert "succeeded" in answer.text
    for private in ("paint", "https://a.b", "/files/", "a" * 64):
        assert private not in answer.text
    for below in ("/events", "/logs", "/output.json"):
        assert (await browse(f"/p/{prediction.id}{below}", who)).status_code == 404


async def test_an_example_of_a_public_model_is_seen_by_everyone(browse, hub, alice, prediction):
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PUBLIC})
    await hub.examples.add(await hub.predictions.find(prediction.id))

    for path in (f"/p/{prediction.id}", "/alice/paint", "/alice/paint/examples"):
        assert 'src="/files/' in (await browse(path)).text
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PRIVATE})
    assert 'src="/files/' not in (await browse(f"/p/{prediction.id}")).text


async def test_predictions_are_listed_and_filtered(browse, prediction, bob):
    found = {
        query: prediction.id[:10] in (await browse(f"/predictions?{query}", "alice")).text
        for query in (
            "",
            "model=alice/paint",
            "model=alice/other",
            "status=succeeded",
            "status=failed",
            "source=api",
            "source=web",
            "time=hour",
            "status=nonsense&time=x",
        )
    }

    assert [query for query, is_there in found.items() if not is_there] == [
        "model=alice/other",
        "status=failed",
        "source=web",
    ]
    assert "You have run nothing yet" in (await browse("/predictions", "bob")).text


async def test_an_unknown_prediction_is_not_found(browse, alice):
    assert (await browse("/p/nothing")).status_code == 404
    assert (await browse("/p/nothing", "alice")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/alice", "/a/b/c/d/e", "/alice/paint/nothing", "/static/x", "/%00/a"]
)
async def test_other_paths_are_not_found(browse, model, path):
    assert (await browse(path, "alice")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/predictions", "/dashboard", "/account", "/webhooks", "/create", "/admin"]
)
async def test_what_belongs_to_accounts_leads_strangers_to_sign_in(browse, path):
    answer = await browse(path)

    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/login?next=%2F{path[1:]}",
    )


async def test_administration_is_for_administrators(browse, hub, alice):
    await hub.accounts.create("chief", is_admin=True)

    assert (await browse("/admin", "alice")).status_code == 403
    assert "Collect garbage now" in (await browse("/admin", "chief")).text


async def test_the_page_that_a_login_names_leads_to_tokens(browse, alice):
    url = (await browse("/cog/v1/display-token-url")).json()["url"]
    path = url.removeprefix("http://hub.test")

    assert (await browse(path, "alice")).headers["location"] == "/account"
    assert (await browse(path)).headers["location"].startswith("/login?next=")


EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"


async def test_nothing_in_a_schema_is_live_on_a_page(browse, hub, alice):
    said = {"type": "string", "description": EVIL, "title": EVIL, "default": EVIL, "pattern": EVIL}
    properties = {
        EVIL: said,
        "choice": {"enum": [EVIL, 1], "default": EVIL, "type": "string"},
        "number": {"type": "number", "minimum": EVIL, "default": EVIL},
        "file": {"type": "string", "format": "uri", "default": EVIL},
        "files": {"type": "array", "items": {"type": "string", "format": "uri"}, "default": [EVIL]},
        "words": {"type": "array", "items": {"type": "string"}, "default": [EVIL]},
        "old": {**said, "deprecated": True},
        "odd": {"type": EVIL},
    }
    inputs = {"properties": properties, "required": [EVIL]}
    schema = {"components": {"schemas": {"Input": inputs, "Output": {"type": EVIL}}}}
    made = await hub.models.create(alice, "alice", "evil", fields={"description": EVIL})
    pushed = PushedVersion("b" * 64, EVIL, schema, {"train": EVIL}, is_bundle=True)
    await register_version(hub, made, pushed)

    for tab in ("", "/api", "/versions", "/train", "/settings"):
        for query in ("", f"?{quote(EVIL)}={quote(EVIL)}&file={quote(EVIL)}&words={quote(EVIL)}"):
            page = await browse(f"/alice/evil{tab}{query}", "alice")
            assert page.status_code == 200
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text
