"""What Cog's own servers tell, state after state, becomes events; their inputs are fetched."""

import base64
from types import SimpleNamespace

import pytest

from coghub.domain.errors import StorageUnusable
from coghub.domain.instance_event import Completed, Log, Output, Started
from coghub.scheduler import patience
from coghub.scheduler.foreign import Foreign

CALLBACK = "http://172.18.0.1:4000/key"


def schema(output):
    inputs = {
        "text": {"type": "string"},
        "image": {"type": "string", "format": "uri"},
        "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "maybe": {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]},
    }
    return {"components": {"schemas": {"Input": {"properties": inputs}, "Output": output}}}


ITERATOR = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}


def foreign(output, files=None):
    version = SimpleNamespace(openapi_schema=schema(output))
    entry = SimpleNamespace(version=version)
    member = SimpleNamespace(entry=entry, is_training=False, fetches={}, tellers={})
    return Foreign(member, "p1", CALLBACK, files)


def told(one, **state):
    taken = []
    with one.listening(taken.append):
        one.member.tellers["p1"]({"id": "p1", "status": "processing", **state})
    return [event for event in taken if not isinstance(event, Started)]


def test_only_files_of_the_web_are_fetched_by_the_hub():
    one = foreign({"type": "string"})
    given = {
        "text": "https://example.com/page",
        "image": "https://example.com/cat.png?size=2",
        "images": ["data:image/png;base64,AA==", "http://example.com/dog.png"],
        "maybe": f"{CALLBACK}/files/x/y.png",
    }

    body = one.body(given)

    asked = body["input"]
    assert asked["text"] == given["text"]
    assert asked["image"].startswith(f"{CALLBACK}/fetched/")
    assert asked["image"].endswith("/cat.png")
    assert asked["images"][0] == given["images"][0]
    assert asked["images"][1].startswith(f"{CALLBACK}/fetched/")
    assert asked["maybe"] == given["maybe"]
    urls = sorted(url for _, url in one.member.fetches.values())
    assert urls == ["http://example.com/dog.png", "https://example.com/cat.png?size=2"]
    assert body["webhook"] == f"{CALLBACK}/webhooks/p1"


def test_nothing_is_fetched_any_more_when_the_prediction_is_over():
    one = foreign({"type": "string"})
    one.body({"image": "https://example.com/cat.png"})

    told(one)

    assert one.member.fetches == {}
    assert one.member.tellers == {}


async def test_states_that_grow_are_told_once():
    one = foreign(ITERATOR)

    first = told(one, logs="a\nb", output=["0"])
    second = told(one, logs="a\nb\n", output=["0", "1"])
    rest = await one.events_of(Log("a\nb\nc\n"))
    items = await one.events_of(Output(["0", "1", "2"], None))
    end = await one.events_of(Completed("succeeded"))

    assert first == [Log("a\n"), Output("0", 0)]
    assert second == [Log("b\n"), Output("1", 1)]
    assert rest == [Log("c\n")]
    assert items == [Output("2", 2)]
    assert end == [Completed("succeeded", is_list=True)]


async def test_a_single_value_that_is_told_as_a_list_stays_single():
    one = foreign({"type": "string"})

    assert told(one, output=["did"]) == []
    assert await one.events_of(Output("did", None)) == [Output("did", None)]


@pytest.mark.parametrize("state", [{"id": "other", "logs": "x\n"}, {"logs": None, "output": None}])
def test_what_says_nothing_of_this_prediction_changes_nothing(state):
    assert told(foreign(ITERATOR), **state) == []


async def test_files_come_back_as_files_of_the_hub(hub):
    url = f"data:text/plain;base64,{base64.b64encode(b'abc').decode()}"
    one = foreign({"type": "string", "format": "uri"}, hub.prediction_files)
    one.prediction_id = None

    (event,) = await one.events_of(Output([url, "text", "data:broken;base64,%"], None))

    stored, text, broken = event.chunk
    assert stored.endswith("/output.txt")
    assert (text, broken) == ("text", "data:broken;base64,%")


async def test_a_file_waits_for_a_store_that_is_away(hub, monkeypatch):
    """Its server has told all that it will, and nobody else has the file."""
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    one = foreign({"type": "string", "format": "uri"}, hub.prediction_files)
    one.prediction_id, tries, add = None, [], hub.prediction_files.add

    async def away(*given, **named):
        tries.append(given)
        if len(tries) < 3:
            raise StorageUnusable("The object store cannot be used just now")
        return await add(*given, **named)

    monkeypatch.setattr(hub.prediction_files, "add", away)

    [event] = await one.events_of(Output("data:text/plain;base64,YWJj", None))

    file = await hub.prediction_files.find(event.chunk.split("/")[-2])
    assert (file.size_bytes, len(tries)) == (3, 3)
