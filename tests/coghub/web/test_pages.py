"""Pages: who sees what, and that nothing on them runs."""

import pytest
from played_prediction import Play
from tests.coghub.pushed import register_version

from coghub.database.models import PushedVersion
from coghub.domain.model import Visibility
from coghub.predictions.predictions import Order

README = """# Paint

<script>alert(1)</script>

[here](javascript:alert(1))

|a|
|-|
|b|
"""


@pytest.fixture
async def model(hub, alice, schema):
    fields = {
        "description": "It <b>paints</b>",
        "readme": README,
        "github_url": "https://git.example/a?b=<c>",
    }
    made = await hub.models.create(alice, "alice", "paint", fields=fields)
    await register_version(hub, made, PushedVersion("a" * 64, "0.23", schema, {}, is_bundle=True))
    return await hub.models.get(alice, "alice", "paint")


@pytest.fixture
async def prediction(hub, alice, model):
    order = Order(model, model.latest_version, {"image": "https://a.b/<c>"}, "http://hub.test")
    made = await hub.predictions.create(alice, order)
    play = await Play(hub, made.id).start()
    await play.log("painting <i>now</i>")
    await play.output([await play.file(b"one", "a b.png")])
    await play.end()
    return made


async def test_a_model_is_shown_to_its_owner(browse, model):
    answer = await browse("/alice/paint", "alice")

    assert answer.status_code == 200
    text = answer.text
    assert "It &lt;b&gt;paints&lt;/b&gt;" in text
    assert "<h1>Paint</h1>" in text
    assert "<td>b</td>" in text
    assert "<script" not in text
    assert 'href="javascript' not in text
    assert text.index("<code>image</code>") < text.index("<code>style</code>")
    assert "one of &#34;oil&#34;, &#34;ink&#34;" in text
    assert "at least 1, at most 9" in text
    assert "list of file" in text
    assert f"alice/paint:{'a' * 64}" in text


async def test_every_page_forbids_scripts(browse, model):
    for path in ("/", "/alice/paint", "/nothing/here", "/static/coghub.css", "/login"):
        answer = await browse(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/alice/paint", f"/alice/paint/versions/{'a' * 64}"])
async def test_a_private_model_does_not_exist_for_strangers(browse, model, bob, path):
    nothing = await browse(path.replace("paint", "other"))

    for who in (None, "bob"):
        answer = await browse(path, who)
        assert answer.status_code == 404
        assert answer.text == nothing.text.replace("other", "paint")


async def test_a_version_has_a_page(browse, model):
    answer = await browse(f"/alice/paint/versions/{'a' * 64}", "alice")

    assert answer.status_code == 200
    assert (await browse(f"/alice/paint/versions/{'b' * 64}", "alice")).status_code == 404


async def test_a_model_without_versions_says_how_to_push(browse, hub, alice):
    await hub.models.create(alice, "alice", "empty")

    answer = await browse("/alice/empty", "alice")

    assert "cog push alice/empty" in answer.text


async def test_home_lists_own_and_public_models(browse, hub, model, bob):
    await hub.models.create(bob, "bob", "open", visibility=Visibility.PUBLIC)
    await hub.models.create(bob, "bob", "hidden")

    shown = (await browse("/", "alice")).text

    assert "alice/paint" in shown
    assert "bob/open" in shown
    assert "bob/hidden" not in shown
    assert "bob/open" not in (await browse("/")).text


async def test_an_owner_sees_the_whole_prediction(browse, prediction):
    text = (await browse(f"/p/{prediction.id}", "alice")).text

    assert "succeeded" in text
    assert "https://a.b/&lt;c&gt;" in text
    assert "painting &lt;i&gt;now&lt;/i&gt;" in text
    assert 'href="/files/' in text
    assert "a%20b.png" in text


@pytest.mark.parametrize("who", [None, "bob"])
async def test_others_with_the_link_see_only_how_far_it_is(browse, prediction, bob, who):
    answer = await browse(f"/p/{prediction.id}", who)

    assert answer.status_code == 200
    assert "succeeded" in answer.text
    for private in ("paint", "https://a.b", "/files/", "a" * 64):
        assert private not in answer.text


async def test_an_unknown_prediction_is_not_found(browse, alice):
    assert (await browse("/p/nothing")).status_code == 404
    assert (await browse("/p/nothing", "alice")).status_code == 404


async def test_signing_in_leads_back(browse, alice):
    asked = await browse("/login?next=/alice/paint")
    done = await browse("/login?next=/alice/paint", "alice")

    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic ")
    assert (done.status_code, done.headers["location"]) == (303, "/alice/paint")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", ""]
)
async def test_signing_in_leads_nowhere_else(browse, alice, target):
    answer = await browse(f"/login?next={target}", "alice")

    assert answer.headers["location"] == "/"


async def test_a_token_signs_its_own_account_in_only(browse, hub, alice, bob):
    token = await hub.accounts.create_token("bob")

    assert (await browse("/login", "alice", token)).status_code == 401
    assert (await browse("/login", "bob", "wrong")).status_code == 401
    assert (await browse("/login", "bob", token)).status_code == 303


async def test_basic_opens_no_api(browse, hub, alice):
    answer = await browse("/v1/account", "alice")

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/alice", "/a/b/c", "/alice/paint/versions", "/static/x", "/%00/a"]
)
async def test_other_paths_are_not_found(browse, model, path):
    assert (await browse(path, "alice")).status_code == 404


async def test_the_page_that_a_login_names_says_where_tokens_come_from(browse, hub):
    url = (await browse("/cog/v1/display-token-url")).json()["url"]

    answer = await browse(url.removeprefix("http://hub.test"))

    assert answer.status_code == 200
    assert "coghub token create NAME" in answer.text
