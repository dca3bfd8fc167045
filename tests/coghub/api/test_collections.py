"""Collections, and what a model shows, over HTTP."""

import pytest
from hub_client import Client
from played_prediction import Play

from coghub.app import asgi
from coghub.opening import open_hub


@pytest.fixture
async def pictures(hub, model, public_model):
    fields = {"name": "Pictures", "description": "Models that make pictures"}
    made = await hub.collections.create("pictures", fields)
    await hub.collections.put(made, public_model)
    await hub.collections.put(made, model)
    return made


async def test_collections_are_listed_by_name_without_models(as_bob, hub, pictures):
    await hub.collections.create("audio", {"name": "Audio", "description": ""})

    answer = await as_bob("GET", "/v1/collections")

    assert answer.json() == {
        "previous": None,
        "next": None,
        "results": [
            {"name": "Audio", "slug": "audio", "description": ""},
            {
                "name": "Pictures",
                "slug": "pictures",
                "description": "Models that make pictures",
            },
        ],
    }


async def test_a_collection_has_its_models_in_their_order(as_alice, hub, pictures, public_model):
    one = "/v1/collections/pictures"
    before = [it["name"] for it in (await as_alice("GET", one)).json()["models"]]
    await hub.collections.put(pictures, public_model)

    after = [it["name"] for it in (await as_alice("GET", one)).json()["models"]]

    assert before == ["open", "hello"]
    assert after == ["hello", "open"]


async def test_a_collection_shows_nobody_a_model_of_others(as_bob, pictures):
    answer = await as_bob("GET", "/v1/collections/pictures")

    assert [it["name"] for it in answer.json()["models"]] == ["open"]


async def test_a_removed_model_is_in_no_collection(as_alice, pictures):
    assert (await as_alice("DELETE", "/v1/models/alice/hello")).status_code == 204

    answer = await as_alice("GET", "/v1/collections/pictures")

    assert [it["name"] for it in answer.json()["models"]] == ["open"]


async def test_a_collection_that_is_not_there_is_not_found(as_alice, hub, pictures, model):
    assert (await as_alice("GET", "/v1/collections/nothing")).status_code == 404
    await hub.collections.remove(pictures)
    assert (await as_alice("GET", "/v1/collections/pictures")).status_code == 404
    assert (await as_alice("GET", "/v1/models/alice/hello")).status_code == 200


async def test_a_search_finds_collections_too(as_bob, pictures):
    found = (await as_bob("GET", "/v1/search?query=make+PICT")).json()

    assert [it["slug"] for it in found["collections"]] == ["pictures"]
    assert found["models"] == []


async def test_strangers_read_collections_where_the_hub_lets_them(
    settings_of, tmp_path, as_nobody, pictures
):
    assert (await as_nobody("GET", "/v1/collections")).status_code == 401
    async with open_hub(settings_of(tmp_path / "open", allow_anonymous=True)) as hub:
        await hub.collections.create("audio", {"name": "Audio", "description": ""})
        ask = Client(asgi(hub))

        assert (await ask("GET", "/v1/collections/audio")).json()["models"] == []


@pytest.fixture
async def example(hub, model, push, as_alice):
    version = await push(model)
    body = {
        "version": version.id,
        "input": {"text": "x"},
        "webhook": "https://example.com/hook",
        "webhook_events_filter": ["completed"],
    }
    made = (await as_alice("POST", "/v1/predictions", json=body)).json()
    await (await Play(hub, made["id"]).start()).end()
    await hub.examples.add(await hub.predictions.find(made["id"]))
    return made["id"]


async def test_a_model_shows_its_examples_without_what_is_its_makers(as_alice, example):
    page = (await as_alice("GET", "/v1/models/alice/hello/examples")).json()
    shown = (await as_alice("GET", "/v1/models/alice/hello")).json()["default_example"]

    assert [it["id"] for it in page["results"]] == [example]
    assert page["results"] == [shown]
    assert shown["input"] == {"text": "x"}
    assert not {"webhook", "webhook_events_filter"} & set(shown)
    assert set(shown["urls"]) == {"get", "cancel", "web"}
