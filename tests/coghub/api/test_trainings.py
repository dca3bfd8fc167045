"""Trainings over HTTP: who may ask for what, and what is answered."""

import pytest
from tests.coghub.api.conftest import SCHEMA

from coghub.domain.prediction import End, Status

INPUT = {
    "required": ["steps"],
    "properties": {
        "steps": {"type": "integer", "maximum": 9},
        "key": {"type": "string", "format": "password", "x-cog-secret": True},
    },
}
TRAINER = {
    **SCHEMA,
    "components": {"schemas": {**SCHEMA["components"]["schemas"], "TrainingInput": INPUT}},
}
TRAIN = f"/v1/models/alice/open/versions/{'a' * 64}/trainings"


@pytest.fixture
async def trainer(push, public_model):
    return await push(public_model, schema=TRAINER)


@pytest.fixture
async def destination(hub, alice):
    await hub.models.create(alice, "alice", "tuned")
    return "alice/tuned"


@pytest.fixture
async def made(as_alice, trainer, destination):
    body = {"input": {"steps": 3, "key": "hidden"}, "destination": destination}
    return (await as_alice("POST", TRAIN, json=body)).json()


async def test_a_training_is_made_and_found_in_both_places(as_alice, made):
    training = await as_alice("GET", f"/v1/trainings/{made['id']}")
    prediction = await as_alice("GET", f"/v1/predictions/{made['id']}")

    assert made["status"] == "starting"
    assert (made["model"], made["version"]) == ("alice/open", "a" * 64)
    assert made["input"] == {"steps": 3, "key": "[REDACTED]"}
    assert made["urls"]["get"].endswith(f"/v1/trainings/{made['id']}")
    assert training.json() == prediction.json()


async def test_trainings_and_predictions_have_lists_of_their_own(as_alice, made, trainer):
    body = {"version": trainer.id, "input": {"text": "a"}}
    prediction = (await as_alice("POST", "/v1/predictions", json=body)).json()

    trainings = (await as_alice("GET", "/v1/trainings")).json()
    predictions = (await as_alice("GET", "/v1/predictions")).json()

    assert [it["id"] for it in trainings["results"]] == [made["id"]]
    assert [it["id"] for it in predictions["results"]] == [prediction["id"]]
    found = await as_alice("GET", f"/v1/trainings/{prediction['id']}")
    assert found.status_code == 404


@pytest.mark.parametrize("kind", ["trainings", "predictions"])
async def test_a_training_is_canceled(as_alice, made, kind):
    answer = await as_alice("POST", f"/v1/{kind}/{made['id']}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")


async def test_others_do_not_see_it(as_bob, made):
    for method, path in (("GET", ""), ("POST", "/cancel")):
        answer = await as_bob(method, f"/v1/trainings/{made['id']}{path}")
        assert answer.status_code == 404
    assert (await as_bob("GET", "/v1/trainings")).json()["results"] == []


async def test_an_input_is_checked_against_the_trainings_inputs(as_alice, trainer, destination):
    body = {"input": {"steps": 99}, "destination": destination}

    answer = await as_alice("POST", TRAIN, json=body)

    assert answer.status_code == 422
    assert [it["field"] for it in answer.json()["invalid_fields"]] == ["input.steps"]


@pytest.mark.parametrize(
    ("destination", "status"),
    [("alice/nothing", 404), ("alice", 404), ("", 404), ("alice/tuned", 404), ("alice/open", 403)],
)
async def test_a_destination_has_to_be_ones_own(as_bob, hub, alice, trainer, destination, status):
    """A private one of another is as if it was not there."""
    await hub.models.create(alice, "alice", "tuned")

    body = {"input": {"steps": 1}, "destination": destination}
    answer = await as_bob("POST", TRAIN, json=body)

    assert answer.status_code == status
    if status == 404:
        assert answer.json()["detail"] == "The specified training destination does not exist"


async def test_others_train_a_public_version_for_a_model_of_theirs(as_bob, hub, bob, trainer):
    await hub.models.create(bob, "bob", "tuned")

    body = {"input": {"steps": 1}, "destination": "bob/tuned"}
    answer = await as_bob("POST", TRAIN, json=body)

    assert answer.status_code == 201


async def test_a_version_that_is_private_to_others_is_not_trained(as_bob, hub, bob, push, model):
    await push(model, schema=TRAINER)
    await hub.models.create(bob, "bob", "tuned")
    path = f"/v1/models/alice/hello/versions/{'a' * 64}/trainings"

    answer = await as_bob("POST", path, json={"input": {"steps": 1}, "destination": "bob/tuned"})

    assert answer.status_code == 422


async def test_a_version_without_a_training_is_refused(as_alice, push, public_model, destination):
    await push(public_model)

    answer = await as_alice("POST", TRAIN, json={"input": {}, "destination": destination})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "The version has no training"


async def test_one_is_no_example(hub, as_alice, made):
    await hub.predictions.end(made["id"], End(Status.SUCCEEDED))
    ended = await hub.predictions.find(made["id"])

    with pytest.raises(Exception, match="is an example"):
        await hub.examples.add(ended)


async def test_pages_lead_to_every_training_and_back(as_alice, as_bob, trainer, destination):
    body = {"input": {"steps": 3}, "destination": destination}
    made = [(await as_alice("POST", TRAIN, json=body)).json()["id"] for _ in range(105)]
    run = {"version": trainer.id, "input": {"text": "a"}}
    await as_alice("POST", "/v1/predictions", json=run)

    first = (await as_alice("GET", "/v1/trainings")).json()
    second = (await as_alice("GET", first["next"])).json()

    assert [len(it["results"]) for it in (first, second)] == [100, 5]
    assert [it["id"] for page in (first, second) for it in page["results"]] == made[::-1]
    assert second["next"] is None
    assert (await as_alice("GET", second["previous"])).json() == {**first, "previous": None}
    assert (await as_bob("GET", first["next"])).json()["results"] == []


@pytest.mark.parametrize("cursor", ["nonsense", "%00", "bm8", "biAxIEFCQw=="])
async def test_a_cursor_that_is_none_is_refused(as_alice, cursor):
    answer = await as_alice("GET", f"/v1/trainings?cursor={cursor}")

    assert (answer.status_code, answer.json()["detail"]) == (400, "Invalid cursor")
