"""Predictions over HTTP: made, waited for, listed, canceled, and who may do so."""

import asyncio
import base64
from datetime import timedelta

import anyio
import pytest
from hub_client import Client
from played_prediction import Play
from tests.coghub.pushed import register_version

from coghub.api import predictions as routes
from coghub.app import asgi
from coghub.database import predictions as rows
from coghub.database.models import PushedVersion
from coghub.database.predictions import Filter
from coghub.domain.clock import utc_now
from coghub.domain.prediction import Status
from coghub.opening import open_hub

ID = "a" * 64
MADE = {"version": ID, "input": {"text": "python"}}
NO_FILTER = Filter()
NEW_VERSION = PushedVersion(ID, "0.23.1", {}, {}, is_bundle=True)
FILE_OUTPUT = {
    "components": {
        "schemas": {
            "Input": {"type": "object", "properties": {}},
            "Output": {"type": "array", "items": {"type": "string", "format": "uri"}},
        }
    }
}


@pytest.fixture
async def version(model, push):
    return await push(model)


@pytest.fixture
def create(as_alice, version):
    async def created(body=MADE, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await as_alice("POST", "/v1/predictions", json=body, headers=named)

    return created


async def queued(hub, count=1):
    """Return a player of the newest prediction, once so many were made."""
    made = []
    while len(made) < count:
        alice = await hub.accounts.get("alice")
        made = (await hub.predictions.page(alice, NO_FILTER, None)).items
        await asyncio.sleep(0)
    return Play(hub, made[0].id)


async def test_a_new_prediction_has_every_field_that_clients_read(create):
    answer = await create()

    assert answer.status_code == 201
    assert answer.headers["ratelimit-remaining"] == "600"
    prediction = answer.json()
    prediction_id, stream = prediction.pop("id"), prediction["urls"].pop("stream")
    assert prediction.pop("created_at").endswith("Z")
    assert stream.startswith("http://hub.test/v1/streams/")
    assert len(prediction_id) == 26
    assert prediction == {
        "model": "alice/hello",
        "version": ID,
        "input": {"text": "python"},
        "output": None,
        "logs": "",
        "error": None,
        "status": "starting",
        "source": "api",
        "data_removed": False,
        "urls": {
            "get": f"http://hub.test/v1/predictions/{prediction_id}",
            "cancel": f"http://hub.test/v1/predictions/{prediction_id}/cancel",
            "web": f"http://hub.test/p/{prediction_id}",
        },
    }


async def test_a_prediction_is_followed_to_its_end(create, as_alice, hub):
    made = (await create()).json()
    play = await Play(hub, made["id"]).start()
    await play.log("10%\n")
    running = (await as_alice("GET", made["urls"]["get"])).json()
    await play.output("hello python")
    await play.end()

    ended = (await as_alice("GET", made["urls"]["get"])).json()

    assert (running["status"], running["logs"]) == ("processing", "10%\n")
    assert "started_at" in running
    assert not {"metrics", "completed_at"} & running.keys()
    assert (ended["status"], ended["output"]) == ("succeeded", "hello python")
    assert set(ended["metrics"]) == {"predict_time", "total_time"}
    assert ended["completed_at"]


@pytest.mark.parametrize("name", [ID, f"alice/hello:{ID}", "alice/hello"])
async def test_a_version_is_named_in_three_forms(create, name):
    answer = await create({**MADE, "version": name})

    assert (answer.status_code, answer.json()["version"]) == (201, ID)


@pytest.mark.parametrize(
    "name",
    ["b" * 64, ID.upper(), "alice/hello:latest", "alice/none", "alice", "", ":", "/", "a/b/c:d"],
)
async def test_a_version_that_is_none_is_refused(create, name):
    answer = await create({**MADE, "version": name})

    assert answer.status_code == 422
    assert answer.json()["title"] == "Invalid version or not permitted"


async def test_a_private_version_is_refused_to_strangers(as_bob, version):
    for name in (ID, f"alice/hello:{ID}", "alice/hello"):
        answer = await as_bob("POST", "/v1/predictions", json={**MADE, "version": name})
        assert answer.status_code == 422
    answer = await as_bob("POST", "/v1/models/alice/hello/predictions", json={"input": {}})
    assert answer.status_code == 404


async def test_a_model_runs_its_latest_version(as_alice, model, version, push):
    await push(model, "b")

    answer = await as_alice(
        "POST", "/v1/models/alice/hello/predictions", json={"input": {"text": "a"}}
    )

    assert (answer.status_code, answer.json()["version"]) == (201, "b" * 64)


async def test_a_model_without_versions_runs_nothing(as_alice, model):
    answer = await as_alice("POST", "/v1/models/alice/hello/predictions", json={"input": {}})

    assert answer.status_code == 422


async def test_an_input_that_does_not_fit_is_named(create):
    answer = await create({**MADE, "input": {"count": 10}})

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["title"] == "Input validation failed"
    assert problem["detail"] == (
        "- input: text is required\n- input.count: Must be less than or equal to 9\n"
    )
    assert problem["invalid_fields"][0] == {
        "type": "required",
        "field": "input",
        "description": "text is required",
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"version": ID}, 422),
        ({"input": {}}, 422),
        ({**MADE, "input": "text"}, 422),
        ({**MADE, "inputs": {}}, 422),
        ({**MADE, "webhook": "ftp://a.b"}, 400),
        ({**MADE, "webhook": "https://"}, 400),
        ({**MADE, "webhook": "https://[::1"}, 400),
        ({**MADE, "webhook": "https://a.b:99999"}, 400),
        ({**MADE, "webhook": "https://a.b", "webhook_events_filter": ["end"]}, 422),
    ],
)
async def test_a_body_that_cannot_be_is_refused(create, body, status):
    answer = await create(body)

    assert answer.status_code == status


async def test_an_input_that_is_nested_deeply_is_refused(create):
    deep = []
    for _ in range(80):
        deep = [deep]

    answer = await create({**MADE, "input": {"text": "a", "unknown": deep}})

    assert answer.status_code == 422


async def test_what_old_clients_send_is_taken(create):
    answer = await create(
        {**MADE, "stream": True, "webhook_completed": "https://a.b/c", "webhook": None}
    )

    assert answer.status_code == 201
    assert answer.json()["webhook"] == "https://a.b/c"
    assert answer.json()["webhook_events_filter"] == ["completed"]


async def test_who_waits_is_answered_at_the_end(create, hub):
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(create(prefer="wait=30"))
        play = await queued(hub)
        await play.start()
        await play.output("hello python")
        await play.end()

    answer = answering.result()
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=30"
    assert (answer.json()["status"], answer.json()["output"]) == ("succeeded", "hello python")


async def test_when_the_wait_is_over_the_status_is_starting(create, hub):
    """Official clients take any other status for the end, and return what is not there."""
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(create(prefer="wait=1"))
        play = await queued(hub)
        await play.start()
        await play.output("half", index=0)

    answer = answering.result()
    assert answer.json()["status"] == "starting"
    assert answer.json()["output"] is None
    assert "started_at" not in answer.json()


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "wait=-1", "waiting", "respond-async"])
async def test_a_preference_that_cannot_be_is_ignored(create, prefer):
    answer = await create(prefer=prefer)

    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers


async def test_a_client_that_leaves_cancels_nothing(app, as_alice, version, hub):
    body = b'{"version": "' + ID.encode() + b'", "input": {"text": "a"}}'
    token = as_alice.http.headers["authorization"].encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/predictions",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"authorization", token), (b"prefer", b"wait"), (b"host", b"hub.test")],
    }
    messages = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": body, "more_body": False},
    ]
    sent = []

    async def receive():
        return messages.pop() if len(messages) > 1 else messages[0]

    async def send(message):
        sent.append(message)

    with anyio.fail_after(20):  # the hold alone would take 55 s
        await app(scope, receive, send)

    play = await queued(hub)
    assert (await hub.predictions.find(play.id)).status is Status.STARTING


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("5s", 5), ("2m", 120), ("1h30m45s", 5445), ("7.5", 7.5)]
)
async def test_a_deadline_is_counted_from_the_creation(create, text, seconds):
    prediction = (await create(cancel_after=text)).json()

    created, deadline = (
        utc_now().fromisoformat(prediction[name]) for name in ("created_at", "deadline")
    )
    assert abs((deadline - created).total_seconds() - seconds) < 1


@pytest.mark.parametrize("text", ["4", "soon", "", "-5", "1d", "9" * 30, "999999999h", "5 s"])
async def test_a_deadline_that_cannot_be_is_refused(create, text):
    assert (await create(cancel_after=text)).status_code == 400


async def test_a_prediction_is_canceled_at_any_time_and_once(create, as_alice, hub):
    made = (await create()).json()

    canceled = await as_alice("POST", made["urls"]["cancel"])
    again = await as_alice("POST", made["urls"]["cancel"])

    assert canceled.status_code == again.status_code == 200
    assert canceled.json()["status"] == "canceled"
    assert canceled.json()["logs"] == ""
    assert again.json() == canceled.json()


async def test_predictions_do_not_exist_for_others(create, as_bob):
    made = (await create()).json()

    assert (await as_bob("GET", made["urls"]["get"])).status_code == 404
    assert (await as_bob("POST", made["urls"]["cancel"])).status_code == 404
    assert (await as_bob("GET", "/v1/predictions")).json()["results"] == []


async def test_predictions_are_listed_in_pages(create, as_alice):
    made = [(await create()).json()["id"] for _ in range(102)]

    first = (await as_alice("GET", "/v1/predictions")).json()
    second = (await as_alice("GET", first["next"])).json()
    back = (await as_alice("GET", second["previous"])).json()

    listed = [it["id"] for page in (first, second) for it in page["results"]]
    assert listed == made[::-1]
    assert len(first["results"]) == 100
    assert second["next"] is None
    assert back["results"] == first["results"]


async def test_a_list_is_cut_by_time_and_source(settings_of, tmp_path):
    moment = utc_now()
    async with open_hub(settings_of(tmp_path), now=lambda: moment) as hub:
        account = await hub.accounts.create("alice")
        client = Client(asgi(hub), await hub.accounts.create_token("alice"))
        await hub.models.create(account, "alice", "hello")
        model = await hub.models.get(account, "alice", "hello")
        await register_version(hub, model, NEW_VERSION)
        for _ in range(3):
            await client("POST", "/v1/predictions", json=MADE)
            moment += timedelta(hours=1)
        cut = (moment - timedelta(hours=2)).isoformat()

        async def count(**query):
            return len((await client("GET", "/v1/predictions", params=query)).json()["results"])

        assert await count(created_after=cut) == 2  # inclusive
        assert await count(created_before=cut) == 1
        assert await count(source="web") == 0
        assert await count(source="api") == 3


@pytest.mark.parametrize(
    "query", ["created_after=x", "created_before=9999999", "source=cli", "cursor=x"]
)
async def test_a_filter_that_cannot_be_is_refused(as_alice, query):
    assert (await as_alice("GET", f"/v1/predictions?{query}")).status_code == 400


class TestFiles:
    """Files in outputs: on plain http who waited has them in the answer."""

    @pytest.fixture
    async def version(self, model, push):
        return await push(model, schema=FILE_OUTPUT)

    async def ended(self, create, hub, **headers):
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(create({"version": ID, "input": {}}, **headers))
            play = await (await queued(hub)).start()
            await play.output(await play.file(b"one"), index=0)
            await play.output(await play.file(b"two", "b.txt", "text/plain"), index=1)
            await play.end()
        return answering.result().json()

    async def test_who_waits_on_plain_http_is_given_data_uris(self, create, hub, as_alice):
        prediction = await self.ended(create, hub, prefer="wait")

        expected = ["data:image/png;base64,b25l", "data:text/plain;base64,dHdv"]
        assert prediction["output"] == expected
        again = (await as_alice("GET", prediction["urls"]["get"])).json()
        assert again["output"] == expected
        listed = (await as_alice("GET", "/v1/predictions")).json()["results"][0]
        assert listed["output"][0].startswith("http://hub.test/files/")

    async def test_who_does_not_wait_is_given_urls(self, create, hub, as_alice, as_nobody):
        made = await self.ended(create, hub)
        prediction = (await as_alice("GET", made["urls"]["get"])).json()

        for client in (as_alice, as_nobody):
            answer = await client("GET", prediction["output"][1])
            assert (answer.status_code, answer.content) == (200, b"two")

    async def test_a_files_stream_is_known_by_its_path(self, create):
        made = (await create({"version": ID, "input": {}})).json()

        assert made["urls"]["stream"].startswith("http://hub.test/v1/files/streams/")

    async def test_on_https_files_are_urls(self, create, hub, as_alice):
        as_alice.http.base_url = "https://hub.test"

        prediction = await self.ended(create, hub, prefer="wait")

        assert prediction["output"][0].startswith("https://hub.test/files/")


class TestDataURIs:
    """Files in inputs that come inside the body."""

    LARGE = "data:text/plain;base64," + base64.b64encode(b"x" * 100_000).decode()

    @pytest.fixture
    async def version(self, model, push):
        return await push(model, schema={})

    async def test_a_large_one_is_kept_as_a_file(self, create, as_nobody, hub):
        body = {"version": ID, "input": {"files": [self.LARGE], "small": "data:,hi"}}

        prediction = (await create(body)).json()

        [url] = prediction["input"]["files"]
        assert url.startswith("http://hub.test/files/")
        assert url.endswith("/input.txt")
        assert prediction["input"]["small"] == "data:,hi"
        answer = await as_nobody("GET", url)
        assert answer.content == b"x" * 100_000
        row = await hub.database.read(lambda c: rows.by_id(c, prediction["id"]))
        assert len(str(row["input"])) < 1000

    async def test_one_that_is_not_base64_is_kept_too(self, create, as_nobody):
        text = "data:text/csv," + "a%20b" * 20_000

        prediction = (await create({"version": ID, "input": {"file": text}})).json()

        answer = await as_nobody("GET", prediction["input"]["file"])
        assert answer.content == b"a b" * 20_000
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"

    @pytest.mark.parametrize(
        "text",
        [
            "data:text/plain;base64," + "x" * 70_001,
            "data:\u00e9," + "\u00e9" * 70_000,
            "data:" * 20_000,
        ],
    )
    async def test_one_that_is_broken_stays_as_it_is(self, create, text):
        prediction = (await create({"version": ID, "input": {"file": text}})).json()

        assert prediction["input"]["file"] == text

    async def test_a_text_of_the_model_is_no_file(self, create, model, push):
        file = {"type": "string", "format": "uri"}
        fields = {
            "text": {"type": "string"},
            "files": {"type": "array", "items": {"anyOf": [file, {"type": "integer"}]}},
        }
        schemas = {"Input": {"type": "object", "properties": fields}}
        version = await push(model, "c", schema={"components": {"schemas": schemas}})
        given = {"text": self.LARGE, "files": [1, self.LARGE]}

        prediction = (await create({"version": version.id, "input": given})).json()

        assert prediction["input"]["text"] == self.LARGE
        assert prediction["input"]["files"][1].startswith("http://hub.test/files/")

    async def test_large_bodies_at_once_are_bounded(self, hub, version, monkeypatch):
        monkeypatch.setattr(routes, "MAX_BODIES_BYTES", 1_000_000)
        client = Client(asgi(hub), await hub.accounts.create_token("alice"))
        body = {"version": ID, "input": {"file": "x" * 600_000}}

        for _ in range(2):  # one after the other they have room
            assert (await client("POST", "/v1/predictions", json=body)).status_code == 201
        body["input"]["file"] *= 2
        refused = await client("POST", "/v1/predictions", json=body)

        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert (
            await client("POST", "/v1/predictions", json={"version": ID, "input": {}})
        ).is_success

    async def test_a_refused_prediction_leaves_no_file(self, settings_of, tmp_path):
        settings = settings_of(tmp_path / "small", account_queue_limit=1)
        async with open_hub(settings) as hub:
            account = await hub.accounts.create("alice")
            client = Client(asgi(hub), await hub.accounts.create_token("alice"))
            model = await hub.models.create(account, "alice", "hello")
            await register_version(hub, model, NEW_VERSION)
            body = {"version": ID, "input": {"file": self.LARGE}}

            first = await client("POST", "/v1/predictions", json=body)
            second = await client("POST", "/v1/predictions", json=body)

            assert (first.status_code, second.status_code) == (201, 429)
            assert second.headers["retry-after"] == "5"
            kept = list((tmp_path / "small/storage/objects/prediction-files").iterdir())
            assert len(kept) == 1
