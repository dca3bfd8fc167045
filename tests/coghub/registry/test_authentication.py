"""Who may do what, and how a client learns to log in."""

import base64
import dataclasses
import re
from datetime import timedelta

import pytest
from hub_client import Client
from oci_images import Pusher, error_code

from coghub.app import asgi
from coghub.domain.clock import utc_now
from coghub.domain.digest import digest_of
from coghub.domain.model import Visibility
from coghub.opening import open_hub
from coghub.registry.bearer import LIFETIME_S

CONTENT = b"a layer"
BLOB = f"/v2/alice/hello/blobs/{digest_of(CONTENT)}"
UPLOADS = "/v2/alice/hello/blobs/uploads/"


def basic(name, password):
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def given(client, scope, headers=None):
    """Return a token of the token endpoint."""
    answer = await client("GET", f"/v2/token?service=hub.test&scope={scope}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", None),
        ("GET", BLOB, "repository:alice/hello:pull"),
        ("HEAD", "/v2/alice/hello/manifests/latest", "repository:alice/hello:pull"),
        ("POST", UPLOADS, "repository:alice/hello:pull,push"),
        ("PUT", "/v2/alice/hello/manifests/latest", "repository:alice/hello:pull,push"),
        ("DELETE", "/v2/alice/hello/manifests/latest", "repository:alice/hello:delete"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
    ],
)
async def test_who_is_not_logged_in_is_told_how(as_nobody, method, path, scope):
    answer = await as_nobody(method, path)

    assert answer.status_code == 401
    header = answer.headers["www-authenticate"]
    assert header.startswith("Bearer ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', header))
    assert (fields["realm"], fields["service"]) == ("http://hub.test/v2/token", "hub.test")
    assert fields.get("scope") == scope
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    if method != "HEAD":
        assert error_code(answer) == "UNAUTHORIZED"
        assert answer.json()["errors"][0]["message"].startswith("authentication required")


@pytest.mark.parametrize("name", ["alice", "anything", ""])
async def test_an_api_token_is_a_password(as_nobody, token, name):
    assert (await as_nobody("GET", "/v2/", headers=basic(name, token))).status_code == 200


async def test_an_api_token_is_a_bearer_token(as_nobody, token):
    assert (await as_nobody("GET", "/v2/", headers=bearer(token))).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!",
        "Basic YWxpY2U=",
        "Basic " + "/w==",
        "Bearer",
        "Bearer chub_x",
        "Bearer ü",
        "Digest x=y",
        "Bearer " + "A" * 50_000,
    ],
)
async def test_what_is_no_token_is_refused(as_nobody, header):
    answer = await as_nobody("GET", "/v2/", headers={"authorization": header.encode("latin-1")})

    assert (answer.status_code, error_code(answer)) == (401, "UNAUTHORIZED")


async def test_a_token_is_given_for_what_the_account_may_do(as_nobody, as_alice, token):
    await as_alice.blob("alice/hello", CONTENT)

    mine = await given(as_nobody, "repository:alice/hello:pull,push", basic("alice", token))

    assert (await as_nobody("HEAD", BLOB, headers=bearer(mine))).status_code == 200
    assert (await as_nobody("POST", UPLOADS, headers=bearer(mine))).status_code == 202
    other = "/v2/alice/other/blobs/uploads/"
    assert (await as_nobody("POST", other, headers=bearer(mine))).status_code == 401
    answer = await as_nobody("DELETE", BLOB, headers=bearer(mine))
    assert answer.status_code == 401
    assert "repository:alice/hello:delete" in answer.headers["www-authenticate"]


async def test_the_token_endpoint_takes_a_form(as_nobody, token):
    form = {"grant_type": "password", "username": "alice", "password": token}
    form |= {"service": "hub.test", "scope": "repository:alice/hello:pull,push"}

    answer = await as_nobody("POST", "/v2/token", data=form)

    assert answer.status_code == 200
    assert answer.json()["token"] == answer.json()["access_token"]
    assert answer.json()["expires_in"] == LIFETIME_S
    headers = bearer(answer.json()["access_token"])
    assert (await as_nobody("POST", UPLOADS, headers=headers)).status_code == 202


async def test_wrong_credentials_get_no_token(as_nobody):
    answer = await as_nobody("GET", "/v2/token", headers=basic("alice", "wrong"))
    form = await as_nobody("POST", "/v2/token", data={"password": "wrong"})

    assert (answer.status_code, form.status_code) == (401, 401)


async def test_a_token_is_no_way_to_another_one(as_nobody, token):
    mine = await given(as_nobody, "repository:alice/hello:pull", basic("alice", token))

    answer = await as_nobody("GET", "/v2/token?scope=repository:alice/x:push", headers=bearer(mine))

    assert answer.status_code == 401


async def test_a_token_ends_with_the_api_token_it_was_given_for(as_nobody, hub, token):
    mine = await given(as_nobody, "repository:alice/hello:pull,push", basic("alice", token))
    await hub.accounts.revoke_token(token)

    assert (await as_nobody("POST", UPLOADS, headers=bearer(mine))).status_code == 401


async def test_a_token_ends_by_itself(hub, alice, token):
    now = [utc_now()]
    async with open_hub(hub.settings, now=lambda: now[0]) as later:
        client = Client(asgi(later))
        mine = await given(client, "repository:alice/hello:pull,push", basic("alice", token))
        now[0] += timedelta(seconds=LIFETIME_S - 1)
        before = await client("POST", UPLOADS, headers=bearer(mine))
        now[0] += timedelta(seconds=2)
        after = await client("POST", UPLOADS, headers=bearer(mine))

    assert (before.status_code, after.status_code) == (202, 401)


async def test_a_token_that_was_changed_is_none(as_nobody, token):
    mine = await given(as_nobody, "repository:alice/hello:pull,push", basic("alice", token))
    forged = mine[:40] + ("A" if mine[40] != "A" else "B") + mine[41:]

    assert (await as_nobody("POST", UPLOADS, headers=bearer(forged))).status_code == 401


async def test_what_is_sealed_for_something_else_is_no_token(as_nobody, hub):
    sealed = hub.box.seal(b'{"token_hash":null,"access":{},"expires_at":9999999999,"kind":"x"}')

    answer = await as_nobody("GET", "/v2/", headers=bearer(sealed.decode()))

    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["HEAD", "GET", "DELETE"])
async def test_a_private_model_does_not_exist_for_strangers(as_alice, as_bob, method):
    await as_alice.image("alice/hello")

    for path in (BLOB, "/v2/alice/hello/manifests/latest", "/v2/alice/nothing/manifests/latest"):
        answer = await as_bob(method, path)
        assert answer.status_code == 404
        assert method == "HEAD" or error_code(answer) == "NAME_UNKNOWN"


async def test_a_stranger_cannot_push_to_what_it_may_not_see(as_alice, as_bob):
    await as_alice.image("alice/hello")

    upload = await as_bob("POST", UPLOADS)
    new = await as_bob("POST", "/v2/alice/new/blobs/uploads/")
    nobody = await as_bob("POST", "/v2/nobody/new/blobs/uploads/")

    assert {answer.status_code for answer in (upload, new, nobody)} == {404}
    assert {error_code(answer) for answer in (upload, new, nobody)} == {"NAME_UNKNOWN"}


async def test_a_public_model_can_be_read_and_not_pushed_to(
    hub, alice, as_alice, as_bob, as_nobody
):
    await as_alice.image("alice/hello", layers=(CONTENT,))
    await hub.models.change(alice, "alice", "hello", {"visibility": Visibility.PUBLIC})

    assert (await as_bob("GET", BLOB)).content == CONTENT
    for method, path in (("POST", UPLOADS), ("DELETE", BLOB)):
        answer = await as_bob(method, path)
        assert (answer.status_code, error_code(answer)) == (403, "DENIED")
    assert (await as_nobody("GET", BLOB)).status_code == 401


async def test_an_administrator_pushes_for_others(hub, as_alice, app):
    await hub.accounts.create("root", is_admin=True)
    admin = Pusher(app, await hub.accounts.create_token("root"))

    made, _ = await admin.image("alice/hello")
    nobody = await admin("POST", "/v2/nobody/new/blobs/uploads/")

    assert made.status_code == 201
    assert (await as_alice("GET", "/v2/alice/hello/manifests/latest")).status_code == 200
    assert (nobody.status_code, error_code(nobody)) == (404, "NAME_UNKNOWN")


async def test_everyone_pulls_what_is_public_where_the_hub_says_so(hub, alice, as_alice):
    await as_alice.image("alice/hello", layers=(CONTENT,))
    await as_alice.image("alice/secret")
    await hub.models.change(alice, "alice", "hello", {"visibility": Visibility.PUBLIC})
    async with open_hub(dataclasses.replace(hub.settings, allow_anonymous=True)) as open_to_all:
        client = Client(asgi(open_to_all))
        mine = await given(client, "repository:alice/hello:pull,push")

        assert (await client("GET", BLOB)).content == CONTENT
        assert (await client("GET", BLOB, headers=bearer(mine))).content == CONTENT
        assert (await client("POST", UPLOADS, headers=bearer(mine))).status_code == 401
        secret = await client("GET", "/v2/alice/secret/manifests/latest")
        assert secret.status_code == 401
        assert (await client("GET", "/v2/_catalog")).json() == {"repositories": ["alice/hello"]}


@pytest.mark.parametrize("is_logged_in", [False, True])
async def test_cogs_base_images_are_not_here(as_nobody, as_alice, is_logged_in):
    """Cog asks for them before a build, and goes on without when they are unknown."""
    client = as_alice if is_logged_in else as_nobody

    answer = await client("GET", "/v2/cog-base/manifests/python3.12")

    assert (answer.status_code, error_code(answer)) == (404, "NAME_UNKNOWN")


async def test_old_cog_asks_whose_a_token_is(as_nobody, token):
    known = await as_nobody("POST", "/cog/v1/verify-token", data={"token": token})
    unknown = await as_nobody("POST", "/cog/v1/verify-token", data={"token": "wrong"})
    url = await as_nobody("GET", "/cog/v1/display-token-url")

    assert (known.status_code, known.json()) == (200, {"username": "alice"})
    assert unknown.status_code == 404
    assert url.json()["url"].startswith("http://hub.test/")


async def test_our_command_asks_whether_this_is_a_hub(as_nobody):
    answer = await as_nobody("GET", "/cog/v1/hub")

    assert answer.json()["hub"] == "coghub"
    assert answer.json()["url"] == "http://hub.test"
