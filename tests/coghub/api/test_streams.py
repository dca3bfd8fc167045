"""Streams: the form that the official parsers need, replay, and resumption."""

import asyncio

import pytest
from hub_client import Client
from played_prediction import Play
from tests.coghub.pushed import register_version

from coghub.api.streams import sse
from coghub.app import asgi
from coghub.database.models import PushedVersion
from coghub.domain.prediction import Status
from coghub.opening import open_hub

BODY = {"version": "a" * 64, "input": {"text": "python"}}


def events(text):
    """Return (event, id, data) of each, as a strict reader finds them."""
    assert "\r" not in text
    found = []
    for block in text.split("\n\n"):
        if not block or block.startswith(":"):
            continue
        kind, number, *content = block.split("\n")
        assert kind.startswith("event: ")
        assert number.startswith("id: ")
        assert all(line.startswith("data: ") for line in content)
        found.append((kind[7:], number[4:], "\n".join(line[6:] for line in content)))
    return found


@pytest.fixture
async def made(as_alice, model, push):
    await push(model)
    return (await as_alice("POST", "/v1/predictions", json=BODY)).json()


@pytest.fixture
async def play(hub, made):
    return await Play(hub, made["id"]).start()


async def test_a_stream_tells_everything_in_order_without_a_token(as_nobody, made, play):
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(as_nobody("GET", made["urls"]["stream"]))
        await play.log("begin\n")
        await play.output("Once", index=0)
        await play.output(" upon\na time", index=1)
        await play.end()

    answer = reading.result()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert events(answer.text) == [
        ("logs", "1", "begin\n"),
        ("output", "2", "Once"),
        ("output", "3", " upon\na time"),
        ("done", "4", "{}"),
    ]


async def test_a_stream_is_replayed_from_the_start_or_from_an_event_on(as_nobody, made, play):
    await play.output("a", index=0)
    await play.output("b", index=1)
    await play.end()
    url = made["urls"]["stream"]

    whole = await as_nobody("GET", url)
    rest = await as_nobody("GET", url, headers={"last-event-id": "1"})
    end = await as_nobody("GET", url, headers={"last-event-id": "2"})
    odd = await as_nobody("GET", url, headers={"last-event-id": "odd"})

    assert [event for event, _, _ in events(whole.text)] == ["output", "output", "done"]
    assert events(rest.text) == events(whole.text)[1:]
    assert events(end.text) == events(whole.text)[2:]
    assert events(odd.text) == events(whole.text)


async def test_a_stream_goes_on_after_a_restart_of_the_hub(settings_of, tmp_path):
    settings = settings_of(tmp_path / "other")
    async with open_hub(settings) as hub:
        account = await hub.accounts.create("alice")
        client = Client(asgi(hub), await hub.accounts.create_token("alice"))
        await hub.models.create(account, "alice", "hello")
        model = await hub.models.get(account, "alice", "hello")
        await register_version(
            hub, model, PushedVersion("a" * 64, "0.23.1", {}, {}, is_bundle=True)
        )
        made = (await client("POST", "/v1/predictions", json=BODY)).json()
        play = await Play(hub, made["id"]).start()
        await play.output("a", index=0)
        await play.output("b", index=1)

    async with open_hub(settings) as hub:
        play.hub = hub
        await play.output("c", index=2)
        await play.end()
        answer = await Client(asgi(hub))(
            "GET", made["urls"]["stream"], headers={"last-event-id": "1"}
        )

    assert events(answer.text) == [("output", "2", "b"), ("output", "3", "c"), ("done", "4", "{}")]


async def test_an_error_is_followed_by_done(as_nobody, made, play):
    await play.end(Status.FAILED, "ValueError: no\nsuch thing")

    answer = await as_nobody("GET", made["urls"]["stream"])

    assert events(answer.text) == [
        ("error", "1", '{"detail":"ValueError: no\\nsuch thing"}'),
        ("done", "2", '{"reason":"error"}'),
    ]


async def test_a_cancel_is_told_by_done(as_alice, as_nobody, made):
    await as_alice("POST", made["urls"]["cancel"])

    answer = await as_nobody("GET", made["urls"]["stream"])

    assert events(answer.text) == [("done", "1", '{"reason":"canceled"}')]


async def test_an_output_that_is_no_text_is_json(as_nobody, made, play):
    await play.output({"boxes": [1, 2]})
    await play.end()

    answer = await as_nobody("GET", made["urls"]["stream"])

    assert events(answer.text)[0] == ("output", "1", '{"boxes":[1,2]}')


async def test_a_list_that_came_as_a_whole_is_told_item_by_item(as_nobody, made, play):
    await play.log("before")
    await play.output(["a", "b", {"c": 1}])
    await play.end()
    url = made["urls"]["stream"]

    whole = events((await as_nobody("GET", url)).text)
    rest = events((await as_nobody("GET", url, headers={"last-event-id": "2:0"})).text)

    assert whole[1:] == [
        ("output", "2:0", "a"),
        ("output", "2:1", "b"),
        ("output", "2", '{"c":1}'),
        ("done", "3", "{}"),
    ]
    assert rest == whole[2:]


async def test_who_asked_for_a_stream_on_plain_http_is_given_data_uris(
    as_alice, as_nobody, model, push, hub
):
    await push(model)
    body = {**BODY, "stream": True}
    made = (await as_alice("POST", "/v1/predictions", json=body)).json()
    play = await Play(hub, made["id"]).start()
    await play.output(await play.file(b"one"))
    await play.end()

    answer = await as_nobody("GET", made["urls"]["stream"])

    assert events(answer.text)[0] == ("output", "1", "data:image/png;base64,b25l")


async def test_an_unknown_stream_is_not_found(as_nobody):
    assert (await as_nobody("GET", "/v1/streams/nothing")).status_code == 404


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", "data: \n"),
        ("\n", "data: \ndata: \n"),
        (" world", "data:  world\n"),
        ("a\r\nb\rc", "data: a\ndata: b\ndata: c\n"),
        ("a\u2028b\x85c\x0bd\x0ce\x1cf", "".join(f"data: {c}\n" for c in "abcdef")),
        ("a\x1db\x1ec\u2029d", "".join(f"data: {c}\n" for c in "abcd")),
        ("id: 7\n\nevent: done", "data: id: 7\ndata: \ndata: event: done\n"),
    ],
)
def test_text_is_cut_into_lines_at_every_boundary(text, sent):
    assert sse("output", "3", text).decode() == f"event: output\nid: 3\n{sent}\n"
    assert len(sent.splitlines()) == sent.count("\n")


async def test_a_stream_that_a_stop_of_the_hub_ends_has_no_done(as_nobody, made, play, hub):
    await play.output("a", index=0)
    hub.signals.stop()

    answer = await as_nobody("GET", made["urls"]["stream"])

    assert events(answer.text) == [("output", "1", "a")]
