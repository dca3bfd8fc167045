"""Pages of trainings: the form, what it makes, and the list."""

import pytest
from tests.coghub.pushed import register_version

from coghub.database.models import PushedVersion
from coghub.domain.model import Visibility
from coghub.domain.prediction import End, Source, Status

INPUT = {"required": ["steps"], "properties": {"steps": {"type": "integer", "maximum": 9}}}
SCHEMA = {
    "components": {"schemas": {"Input": {"properties": {}}, "TrainingInput": INPUT, "Output": {}}}
}
TRAIN = f"/alice/lora/versions/{'c' * 64}/train"


@pytest.fixture
async def trainer(hub, alice):
    made = await hub.models.create(alice, "alice", "lora", visibility=Visibility.PUBLIC)
    config = {"train": "train.py:train"}
    pushed = PushedVersion("c" * 64, "0.23", SCHEMA, config, is_bundle=True)
    await register_version(hub, made, pushed)
    return await hub.models.get(alice, "alice", "lora")


async def test_the_form_offers_the_visitors_own_models(browse, hub, trainer, bob):
    await hub.models.create(bob, "bob", "mine")

    as_bob = await browse("/alice/lora/train", "bob")
    as_nobody = await browse("/alice/lora/train")

    assert f'data-run="{TRAIN}?_to=bob/mine"' in as_bob.text
    assert "alice/lora</option>" not in as_bob.text
    assert "Sign in to run" in as_nobody.text


async def test_a_visitor_without_a_model_is_led_to_make_one(browse, trainer, bob):
    page = await browse("/alice/lora/train", "bob")

    assert "You have no model that could get the new version" in page.text
    assert "<input-form" not in page.text


async def test_a_form_makes_a_training_that_is_listed_and_shown(browser, hub, trainer):
    alice = await browser("alice")

    done = await alice.send(f"{TRAIN}?_to=alice/lora", {"input": {"steps": 3}})

    assert done.status_code == 201
    made = await hub.predictions.find(done.json()["id"])
    assert (made.destination, made.source) == ("alice/lora", Source.WEB)
    page = (await alice.get(f"/p/{made.id}")).text
    assert "<h1>Training</h1>" in page
    assert 'for <a href="/alice/lora">' in page
    assert made.id[:10] in (await alice.get("/trainings")).text
    assert made.id[:10] not in (await alice.get("/predictions")).text
    assert f"/p/{made.id}/events" in (await alice.get(f"/alice/lora/train?_p={made.id}")).text


async def test_the_page_of_a_training_leads_to_its_version(browser, hub, trainer, browse):
    alice = await browser("alice")
    done = await alice.send(f"{TRAIN}?_to=alice/lora", {"input": {"steps": 3}})
    training_id = done.json()["id"]

    await hub.predictions.end(training_id, End(Status.SUCCEEDED))
    ended = await browse(f"/p/{training_id}", "alice")

    assert f'href="/alice/lora/train?_from={training_id}' in ended.text
    assert "Save as example" not in ended.text


async def test_the_check_is_against_the_trainings_inputs(browser, trainer):
    alice = await browser("alice")

    bad = await alice.send(f"{TRAIN}/check", {"input": {"steps": 99}})
    good = await alice.send(f"{TRAIN}/check", {"input": {"steps": 1}})

    assert [it["field"] for it in bad.json()["fields"]] == ["input.steps"]
    assert good.json() == {"fields": []}


async def test_a_destination_of_another_is_refused(browser, trainer, bob):
    as_bob = await browser("bob")

    done = await as_bob.send(f"{TRAIN}?_to=alice/lora", {"input": {"steps": 3}})

    assert done.status_code == 403


async def test_a_version_without_a_training_has_no_tab(browse, model):
    assert "paint/train" not in (await browse("/alice/paint", "alice")).text
    assert (await browse("/alice/paint/train", "alice")).status_code == 404
