"""Versions over HTTP, and when one may be deleted."""

import pytest

from coghub.domain.prediction import End, Status
from coghub.predictions.predictions import Order

BASE = "/v1/models/alice/hello/versions"


async def test_versions_are_listed_from_the_newest(as_alice, model, push):
    await push(model, "a")
    await push(model, "b")

    page = (await as_alice("GET", BASE)).json()

    assert [version["id"] for version in page["results"]] == ["b" * 64, "a" * 64]
    assert page["next"] is None
    assert page["results"][0]["cog_version"] == "0.23.1"
    assert "Input" in page["results"][0]["openapi_schema"]["components"]["schemas"]


async def test_a_model_shows_its_latest_version(as_alice, model, push):
    await push(model, "a")

    latest = (await as_alice("GET", "/v1/models/alice/hello")).json()["latest_version"]

    assert latest == (await as_alice("GET", f"{BASE}/{'a' * 64}")).json()


async def test_an_unknown_version_is_not_found(as_alice, model):
    assert (await as_alice("GET", f"{BASE}/{'c' * 64}")).status_code == 404


@pytest.fixture
def run(hub):
    """Make a prediction as an account, and end it unless it is to stay open."""

    async def made(account, model, version, *, is_open=False):
        order = Order(model, version, {"text": "a"}, "http://hub.test")
        prediction = await hub.predictions.create(account, order)
        if not is_open:
            await hub.predictions.end(prediction.id, End(Status.SUCCEEDED))
        return prediction

    return made


async def test_a_deleted_version_is_gone_with_what_it_made(as_alice, alice, model, push, run):
    await push(model, "a")
    version = await push(model, "b")
    prediction = await run(alice, model, version)

    answer = await as_alice("DELETE", f"{BASE}/{version.id}")

    assert (answer.status_code, answer.content) == (202, b"")
    assert (await as_alice("GET", f"{BASE}/{version.id}")).status_code == 404
    latest = (await as_alice("GET", "/v1/models/alice/hello")).json()["latest_version"]
    assert latest["id"] == "a" * 64
    assert (await as_alice("GET", f"/v1/predictions/{prediction.id}")).status_code == 404


async def test_a_version_that_runs_is_not_deleted(as_alice, alice, model, push, run):
    version = await push(model)
    await run(alice, model, version, is_open=True)

    answer = await as_alice("DELETE", f"{BASE}/{version.id}")

    assert answer.status_code == 409
    assert "not ended" in answer.json()["detail"]


async def test_a_version_that_others_ran_is_not_deleted(as_alice, bob, model, push, run):
    version = await push(model)
    await run(bob, model, version)

    assert (await as_alice("DELETE", f"{BASE}/{version.id}")).status_code == 409


async def test_a_version_of_a_public_model_is_not_deleted(as_alice, public_model, push):
    version = await push(public_model)

    answer = await as_alice("DELETE", f"/v1/models/alice/open/versions/{version.id}")

    assert answer.status_code == 409


async def test_a_deleted_version_that_is_pushed_again_is_back(as_alice, model, push, hub):
    version = await push(model)
    await hub.deletion.delete_version(await hub.accounts.get("alice"), "alice", "hello", version.id)

    await push(model)
    await hub.deletion.purge()

    assert (await as_alice("GET", f"{BASE}/{version.id}")).status_code == 200
