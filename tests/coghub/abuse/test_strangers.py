"""What is private does not exist for others: no route tells it apart from what never was."""

import hashlib
import json
import re

import pytest
from hub_client import Client

from cog.network_guard import Guard
from coghub.api.app import PARTS
from coghub.api.callbacks import Callbacks
from coghub.domain.model import Visibility
from coghub.domain.signals import Waiting
from coghub.scheduler.fleet import Member

NOWHERE = {
    "owner": "alice",
    "name": "no-such-model",
    "prediction_id": "z" * 26,
    "training_id": "z" * 26,
    "file_id": "z" * 26,
    "version_id": "f" * 64,
}
KEYS = {"key", "file_key"}
"""Who has one of these was given it: they are unguessable, and need no token."""
PUBLIC = {"slug"}
"""Of a collection, which everybody with a token may see; its models are those they may see."""
OWN_LISTS = {"/v1/predictions", "/v1/files"}
"""Lists of models show public ones only, and the catalog what was pushed."""
BODIES = {"POST": {"input": {}}, "PATCH": {"description": "mine now"}}
DEPLOYMENT = "/deployments/{owner}/{name}"


@pytest.fixture
async def as_bob(hub, app, bob):
    return Client(app, await hub.accounts.create_token("bob"))


@pytest.fixture
async def as_alice(app, alices):
    return Client(app, alices.token)


@pytest.fixture
def as_nobody(app):
    return Client(app)


@pytest.fixture
async def file_id(as_alice):
    answer = await as_alice("POST", "/v1/files", files={"content": ("a.txt", b"mine")})
    return answer.json()["id"]


@pytest.fixture
def there(alices, file_id):
    return {
        "owner": "alice",
        "name": "secret-painter",
        "prediction_id": alices.prediction.id,
        "training_id": alices.prediction.id,
        "file_id": file_id,
        "version_id": alices.version.id,
    }


def calls(hub):
    """Return method and path of each route of the API about one thing of somebody's."""
    found = []
    for route in (route for part in PARTS for route in part(hub).routes()):
        names = set(re.findall(r"\{(\w+)", route.path))
        if names and not names & (KEYS | PUBLIC):
            found += [(method, route.path) for method in route.methods]
    return sorted(found)


def body_of(method, path):
    """Return a body that who owns the thing could send."""
    if method == "PATCH" and path == DEPLOYMENT:
        return {"min_instances": 1}
    if method == "POST" and path.endswith("/trainings"):
        return {"destination": "bob/own", "input": {}}
    return BODIES.get(method)


def told(answer, values):
    """Return an answer without the names that the question held, and what changes each time."""
    text = answer.text
    for value in values.values():
        text = text.replace(value, "…")
    return answer.status_code, text, answer.headers.get("content-type")


async def test_no_route_of_the_api_tells_a_stranger_what_is_there(hub, as_bob, there):
    found = calls(hub)
    assert len(found) > 15

    for method, path in found:
        mine, nowhere = path.format(**there), path.format(**NOWHERE)
        answers = [await as_bob(method, it, json=body_of(method, path)) for it in (mine, nowhere)]

        assert told(answers[0], there) == told(answers[1], NOWHERE), (method, path)
        refusal = 422 if path.endswith("/trainings") else 404  # as for a version in a body
        assert answers[0].status_code == refusal, (method, path)


async def test_without_a_token_nothing_is_told_at_all(hub, as_nobody, there):
    for method, path in calls(hub):
        answer = await as_nobody(method, f"/v1{path.format(**there)}", json=body_of(method, path))

        is_signed = path.endswith("/download")  # by its query, and this one is not
        assert answer.status_code == (404 if is_signed else 401), (method, path)
        assert "secret-painter" not in answer.text


async def test_what_a_stranger_tried_changed_nothing(hub, as_bob, as_alice, there, alices):
    for method, path in calls(hub):
        await as_bob(method, path.format(**there), json=body_of(method, path))

    model = await as_alice("GET", "/v1/models/alice/secret-painter")
    prediction = await as_alice("GET", f"/v1/predictions/{alices.prediction.id}")
    file = await as_alice("GET", f"/v1/files/{there['file_id']}")
    assert model.json()["description"] is None
    assert model.json()["latest_version"]["id"] == alices.version.id
    assert prediction.json()["status"] == "starting"
    assert file.status_code == 200


@pytest.mark.parametrize("form", ["{version_id}", "alice/{name}:{version_id}", "alice/{name}"])
async def test_a_version_of_a_private_model_cannot_be_run_or_found(as_bob, there, form):
    answers = [
        await as_bob("POST", "/v1/predictions", json={"version": form.format(**it), "input": {}})
        for it in (there, NOWHERE)
    ]

    assert told(answers[0], there) == told(answers[1], NOWHERE)
    assert answers[0].status_code in {404, 422}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("QUERY", "/v1/models"),
        ("GET", "/v1/predictions"),
        ("GET", "/v1/files"),
        ("GET", "/v2/_catalog"),
    ],
)
async def test_lists_hold_nothing_of_others(as_bob, as_alice, there, method, path):
    body = {"content": "secret"} if method == "QUERY" else {}

    strangers = await as_bob(method, path, **body)
    own = await as_alice(method, path, **body)

    secrets = {there["name"], there["prediction_id"], there["file_id"]}
    assert strangers.status_code == 200
    assert not any(it in strangers.text for it in secrets)
    assert any(it in own.text for it in secrets) == (path in OWN_LISTS)


REGISTRY = [
    ("GET", "tags/list"),
    ("GET", "manifests/latest"),
    ("HEAD", "manifests/latest"),
    ("PUT", "manifests/latest"),
    ("DELETE", "manifests/latest"),
    ("GET", "blobs/sha256:" + "0" * 64),
    ("HEAD", "blobs/sha256:" + "0" * 64),
    ("DELETE", "blobs/sha256:" + "0" * 64),
    ("POST", "blobs/uploads/"),
    ("POST", "blobs/uploads/?mount=sha256:" + "0" * 64 + "&from=alice/secret-painter"),
    ("GET", "referrers/sha256:" + "0" * 64),
]


@pytest.mark.parametrize(("method", "place"), REGISTRY)
async def test_no_route_of_the_registry_tells_a_stranger(as_bob, as_nobody, there, method, place):
    mine = await as_bob(method, f"/v2/alice/secret-painter/{place}")
    nowhere = await as_bob(method, f"/v2/alice/no-such-model/{place}")
    unknown = await as_nobody(method, f"/v2/alice/secret-painter/{place}")

    assert told(mine, there) == told(nowhere, NOWHERE)
    assert mine.status_code == 404
    assert unknown.status_code == 401


async def test_an_upload_goes_on_only_for_who_began_it_where_it_was_begun(as_alice, as_bob, there):
    begun = await as_alice("POST", "/v2/alice/secret-painter/blobs/uploads/")
    upload_id = begun.headers["location"].rpartition("/")[2].partition("?")[0]
    digest = "sha256:" + "0" * 64

    for method in ("GET", "PATCH", "PUT", "DELETE"):
        for path in (f"/v2/alice/secret-painter/blobs/uploads/{upload_id}",
                     f"/v2/bob/mine/blobs/uploads/{upload_id}"):  # fmt: skip
            answer = await as_bob(method, f"{path}?digest={digest}", content=b"x")
            assert answer.status_code == 404, (method, path)

    still = await as_alice("GET", f"/v2/alice/secret-painter/blobs/uploads/{upload_id}")
    assert still.status_code == 204


async def test_a_blob_is_not_mounted_out_of_what_one_may_not_read(as_alice, as_bob):
    content = b"the weights of alice"
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    begun = await as_alice("POST", f"/v2/alice/secret-painter/blobs/uploads/?digest={digest}",
                           content=content)  # fmt: skip
    assert begun.status_code == 201

    mount = f"/v2/bob/mine/blobs/uploads/?mount={digest}&from=alice/secret-painter"
    answer = await as_bob("POST", mount)

    assert answer.status_code == 202
    assert (await as_bob("GET", f"/v2/bob/mine/blobs/{digest}")).status_code == 404


async def test_a_token_for_one_repository_opens_no_other(hub, alices, as_alice, app):
    await hub.models.create(await hub.accounts.get("alice"), "alice", "other")
    scope = "repository:alice/other:pull,push"
    token = (await as_alice("GET", f"/v2/token?scope={scope}")).json()["token"]
    narrow = Client(app, token)

    assert (await narrow("GET", "/v2/alice/other/tags/list")).status_code == 200
    assert (await narrow("GET", "/v2/alice/secret-painter/tags/list")).status_code == 401
    assert (await narrow("GET", "/v1/account")).status_code == 401


async def test_a_prediction_is_handed_no_files_of_others(hub, alice, bob, file_id):
    """An input may name any URL, also that of a file of somebody else."""
    running = {}
    member = Member("i", None, "cpu", None, 1, hub.now(), running=running)
    instance = Client(Callbacks(hub, {"key": member}.get, Guard()).app())
    url = f"/key/predictions/p/files/{file_id}"

    running["p"] = Waiting("p", bob.id, 1, hub.now())
    assert (await instance("GET", url)).status_code == 404
    running["p"] = Waiting("p", alice.id, 1, hub.now())
    assert (await instance("GET", url)).content == b"mine"
    assert (await instance("GET", url.replace("key", "another"))).status_code == 404
    assert (await instance("GET", url.replace("/p/", "/q/"))).status_code == 404


@pytest.mark.parametrize("owner", ["alice", "nobody-there"])
async def test_nobody_makes_models_of_others(as_bob, owner):
    body = {"owner": owner, "name": "x", "visibility": "private", "hardware": "cpu"}

    answer = await as_bob("POST", "/v1/models", json=body)

    assert answer.status_code in {403, 404, 422}
    assert (await as_bob("GET", f"/v1/models/{owner}/x")).status_code == 404


async def test_a_revoked_token_opens_nothing(hub, as_alice, alices, app):
    bearer = (await as_alice("GET", "/v2/token?scope=repository:alice/secret-painter:pull")).json()
    await hub.accounts.revoke_tokens("alice")

    assert (await as_alice("GET", "/v1/account")).status_code == 401
    narrow = Client(app, bearer["token"])
    assert (await narrow("GET", "/v2/alice/secret-painter/tags/list")).status_code == 401


async def test_a_public_model_may_be_seen_and_not_changed(hub, as_bob, open_model):
    assert open_model.visibility is Visibility.PUBLIC

    assert (await as_bob("GET", "/v1/models/alice/open")).status_code == 200
    for method, body in (("PATCH", {"description": "x"}), ("DELETE", None)):
        answer = await as_bob(method, "/v1/models/alice/open", content=json.dumps(body))
        assert answer.status_code == 403
    assert (await as_bob("POST", "/v2/alice/open/blobs/uploads/")).status_code == 403
