"""The playground of one model: who may use it, and what it says of a server."""

import asyncio
import base64
import json
import re

import pytest
from aiohttp import web
from hub_client import Client

from coghub.playground.app import Playground

DOCUMENT = {
    "components": {
        "schemas": {
            "Input": {
                "required": ["text"],
                "properties": {
                    "text": {"type": "string", "x-order": 0, "description": "<b>What</b>"},
                    "file": {"type": "string", "format": "uri", "x-order": 1},
                },
            },
            "Output": {"type": "string", "format": "uri"},
            "PredictionRequest": {},
        }
    }
}
PIXEL = f"data:image/png;base64,{base64.b64encode(b'pixel').decode()}"


class ModelServer:
    """Answers as a model's server does."""

    def __init__(self):
        self.status = "READY"
        self.lines = []
        self.given = []
        self.canceled = asyncio.Event()

    async def answer(self, request):
        if request.path == "/openapi.json":
            return web.json_response(DOCUMENT)
        if request.path == "/health-check":
            return web.json_response({"status": self.status, "setup": {"logs": "load <1>"}})
        if request.path.endswith("/cancel"):
            self.canceled.set()
            return web.json_response({})
        self.given.append((await request.json())["input"])
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
        await response.prepare(request)
        for number, (event, told) in enumerate(self.lines, 1):
            if event == "wait":
                await self.canceled.wait()
                continue
            line = {"sequence": number, "event": event, "data": told}
            await response.write(json.dumps(line).encode() + b"\n")
        return response


@pytest.fixture
async def model():
    server = ModelServer()
    runner = web.AppRunner(app := web.Application())
    app.router.add_route("*", "/{path:.*}", server.answer)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def playground(model):
    opened = Playground(model.url)
    yield opened
    await opened.close()


@pytest.fixture
def client(playground):
    return Client(playground.app(), base_url="http://127.0.0.1:9000")


async def told(client, run_id):
    answer = await client("GET", f"/p/{run_id}/events")
    found = re.findall(r"event: (\w+)\nid: \d+\ndata: (.*)\n", answer.text)
    return [(name, json.loads(content)) for name, content in found]


async def test_the_page_has_the_form_and_escapes_what_the_model_says(client):
    page = await client("GET", "/?text=%3Cscript%3E")

    assert page.status_code == 200
    assert "&lt;script&gt;</textarea>" in page.text
    assert "&lt;b&gt;What&lt;/b&gt;" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert (await client("GET", "/config")).json()["cogVersion"]


async def test_a_run_is_told_as_it_goes_and_its_files_are_kept(client, model):
    model.lines = [
        ("start", {"id": "x"}),
        ("log", {"data": "hello\n"}),
        ("output", {"chunk": PIXEL, "index": None}),
        ("completed", {"status": "succeeded", "metrics": {"predict_time": 0.5}}),
    ]

    made = await client("POST", "/run", json={"input": {"text": "a"}})
    events = await told(client, made.json()["id"])

    assert made.status_code == 201
    assert model.given == [{"text": "a"}]
    assert {name for name, _ in events} == {"status", "logs", "output", "end"}
    html = events[-1][1]["html"]
    url = re.search(r'src="(/files/[^"]+)"', html)[1]
    assert (await client("GET", url)).content == b"pixel"
    assert "Ran for 500 ms" in html


async def test_an_upload_reaches_the_model_as_its_content(client, model):
    up = await client("POST", "/uploads", files={"content": ("a.txt", b"12", "text/plain")})
    model.lines = [("completed", {"status": "failed", "error": "<i>no</i>"})]

    made = await client("POST", "/run", json={"input": {"text": "a", "file": up.json()["url"]}})
    events = await told(client, made.json()["id"])

    assert model.given[0]["file"] == "data:text/plain;base64,MTI="
    assert "&lt;i&gt;no&lt;/i&gt;" in events[-1][1]["html"]


async def test_what_does_not_fit_is_refused_before_the_model_is_asked(client, model):
    checked = await client("POST", "/check", json={"input": {}})
    refused = await client("POST", "/run", json={"input": {}})

    assert checked.json()["fields"][0]["description"] == "text is required"
    assert refused.status_code == 422
    assert model.given == []


async def test_cancel_reaches_the_model(client, model):
    model.lines = [("start", {"id": "x"}), ("wait", {}), ("completed", {"status": "canceled"})]
    made = await client("POST", "/run", json={"input": {"text": "a"}})

    await client("POST", f"/p/{made.json()['id']}/cancel")

    assert (await told(client, made.json()["id"]))[-1][0] == "end"


async def test_before_the_model_is_ready_the_page_shows_how_far_it_is(client, model):
    model.status = "STARTING"

    page = await client("GET", "/")

    assert "The model is being set up" in page.text
    assert "load &lt;1&gt;" in page.text
    assert 'http-equiv="refresh"' in page.text


async def test_a_server_that_is_not_there_is_told():
    playground = Playground("http://127.0.0.1:1")
    client = Client(playground.app(), base_url="http://localhost:9000")

    page = await client("GET", "/")
    ran = await client("POST", "/run", json={"input": {}})
    await playground.close()

    assert "does not answer" in page.text
    assert ran.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://127.0.0.1:9000"}, 200),
    ],
)
async def test_other_names_and_pages_of_others_are_refused(client, headers, status):
    answer = await client("POST", "/check", json={"input": {"text": "a"}}, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/p/x/events", "/files/x/y", "/p/x/output.json", "/nothing"])
async def test_what_is_not_there_is_not_found(client, path):
    assert (await client("GET", path)).status_code == 404
