"""The API's own document: it names every route, and answers are as it says."""

import re
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi

from coghub.api import shapes
from coghub.api.app import PARTS
from coghub.api.operations import OPERATIONS


@pytest.fixture
async def document(as_nobody):
    return (await as_nobody("GET", "/v1/openapi.json")).json()


async def test_every_route_is_in_the_document(hub, document):
    routes = {
        (method, re.sub(r":\w+}", "}", route.path))
        for part in PARTS
        for route in part(hub).routes()
        for method in route.methods - {"HEAD"}
    }

    named = {
        (method.removeprefix("x-").upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert named == routes


async def test_the_table_describes_no_route_that_is_not_there(document):
    named = {
        f"{method.removeprefix('x-').upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }

    assert set(OPERATIONS) <= named


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/openapi.json", "/v1/v1/openapi.json"])
async def test_the_document_is_there_without_a_token(as_nobody, path):
    answer = await as_nobody("GET", path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["openapi"] == "3.1.0"
    assert told["servers"] == [{"url": "http://hub.test/v1"}]


async def test_every_operation_has_a_name_of_its_own(document):
    ids = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]

    assert len(ids) == len(set(ids))


async def test_every_reference_leads_somewhere(document):
    for reference in set(re.findall(r"'\$ref': '([^']+)'", str(document))):
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found


async def test_every_example_has_the_shape_that_it_shows(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            whole = {**operation["responses"], "body": operation.get("requestBody", {})}
            for answer in whole.values():
                for content in answer.get("content", {}).values():
                    if "example" in content:
                        assert errors(document, content["schema"], content["example"]) == [], (
                            method,
                            path,
                        )


def errors(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with a value, by a schema of the document."""
    whole = {**schema, "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole)
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("path", ["/docs", "/v1/docs"])
async def test_the_page_names_every_call_and_needs_no_other_host(as_nobody, document, path):
    answer = await as_nobody("GET", path)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name, operations in document["paths"].items():
        for method in operations:
            assert f"{method.removeprefix('x-').upper()} {name}</code>" in answer.text
    assert not re.search(r"""(?:src|href)=["']https?://(?!hub\.test)""", answer.text)
    assert "<script" not in answer.text


@pytest.fixture
async def known(hub, model, public_model, push, as_alice):
    """What leads somewhere, by the name of the parameter."""
    collection = await hub.collections.create("pictures", {"name": "P", "description": ""})
    await hub.collections.put(collection, public_model)
    version = await push(model)
    await push(public_model, "b")
    made = await as_alice("POST", "/v1/predictions", json=body_of(version))
    file = await as_alice("POST", "/v1/files", files={"content": ("a.txt", b"abc")})
    return {
        "slug": ["pictures"],
        "owner": ["alice"],
        "name": ["hello", "open"],
        "version_id": [version.id, "b" * 64],
        "prediction_id": [made.json()["id"]],
        "file_id": [file.json()["id"]],
    }


def body_of(version):
    return {"version": version.id, "input": {"text": "x"}, "webhook": "https://example.com/x"}


CALLS = [
    ("GET", "/account", shapes.Account),
    ("GET", "/collections", shapes.CollectionPage),
    ("GET", "/collections/{slug}", shapes.CollectionOfModels),
    ("GET", "/deployments", shapes.DeploymentPage),
    ("GET", "/hardware", list[shapes.Hardware]),
    ("GET", "/files", shapes.FilePage),
    ("GET", "/files/{file_id}", shapes.File),
    ("GET", "/models", shapes.ModelPage),
    ("QUERY", "/models", shapes.ModelPage),
    ("GET", "/models/{owner}/{name}", shapes.Model),
    ("GET", "/models/{owner}/{name}/versions", shapes.VersionPage),
    ("GET", "/models/{owner}/{name}/versions/{version_id}", shapes.Version),
    ("GET", "/models/{owner}/{name}/examples", shapes.PredictionPage),
    ("GET", "/predictions", shapes.PredictionPage),
    ("GET", "/predictions/{prediction_id}", shapes.Prediction),
    ("POST", "/predictions/{prediction_id}/cancel", shapes.Prediction),
    ("GET", "/search?query=open", shapes.Search),
    ("GET", "/webhooks/default/secret", shapes.WebhookSecret),
]


@pytest.mark.parametrize(("method", "path", "shape"), CALLS)
async def test_an_answer_has_the_fields_of_its_type_and_no_others(
    as_alice, known, method, path, shape
):
    told = path.format(**{name: values[0] for name, values in known.items()})

    answer = await as_alice(method, f"/v1{told}", content=b"open" if method == "QUERY" else None)

    assert answer.status_code == 200, answer.text
    msgspec.json.decode(answer.content, type=shape)


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/models/a/b", b"", 404),
        ("POST", "/models", b"{", 400),
        ("POST", "/models", b'{"owner": 1}', 422),
        ("GET", "/nothing", b"", 404),
        ("PUT", "/models", b"", 405),
    ],
)
async def test_a_refusal_is_a_problem_of_the_document(as_alice, method, path, content, status):
    answer = await as_alice(method, f"/v1{path}", content=content)

    assert answer.status_code == status
    assert msgspec.json.decode(answer.content, type=shapes.Problem).status == status


async def test_whatever_is_asked_the_answer_is_one_of_the_document(
    as_alice, known, going, streams, document
):
    """What the document allows, and what it does not; nothing is answered with an error of ours."""
    leading = leading_somewhere(document, {**known, **streams}, going)
    asked = dict[str, set[int | None]]()
    for found in openapi.from_dict(leading).get_all_operations():
        operation = found.ok()
        statuses = asked.setdefault(operation.label, set())
        for case in cases_of(operation):
            statuses.add(await ask(as_alice, leading, case))

    assert len(asked) == sum(len(operations) for operations in document["paths"].values())
    asked["QUERY /models"] = asked.pop("PUT /models")
    led_nowhere = {
        label: statuses
        for label, statuses in asked.items()
        if label.startswith(("DELETE", "QUERY")) or "/streams/" in label
        if not statuses & {200, 202, 204}
    }
    assert led_nowhere == {}


@pytest.fixture
async def streams(as_alice, known):
    """The key of a stream that ends, as its prediction was canceled."""
    body = {"version": known["version_id"][0], "input": {"text": "x"}}
    made = (await as_alice("POST", "/v1/predictions", json=body)).json()
    await as_alice("POST", f"/v1/predictions/{made['id']}/cancel")
    return {"key": [made["urls"]["stream"].rpartition("/")[2]]}


@pytest.fixture
async def going(hub, alice, push, as_alice):
    """What may be deleted, by the path that deletes it; enough of it for each case."""
    many = range(2 * EXAMPLES)
    files = [
        await as_alice("POST", "/v1/files", files={"content": ("a.txt", b"abc")}) for _ in many
    ]
    private = await hub.models.create(alice, "alice", "versioned")
    versions = [await push(private, f"{number:x}") for number in many]
    for number in many:
        await hub.models.create(alice, "alice", f"gone-{number}")
        body = {"name": f"gone-{number}", "model": "alice/deployed", **LIMITS}
        if number == 0:
            deployed = await push(await hub.models.create(alice, "alice", "deployed"), "f")
        made = await as_alice("POST", "/v1/deployments", json={**body, "version": deployed.id})
        assert made.status_code == 201, made.text
    names = [f"gone-{number}" for number in many]
    return {
        "/files/{file_id}": {"file_id": [it.json()["id"] for it in files]},
        "/models/{owner}/{name}": {"owner": ["alice"], "name": names},
        "/deployments/{owner}/{name}": {"owner": ["alice"], "name": names},
        "/models/{owner}/{name}/versions/{version_id}": {
            "owner": ["alice"],
            "name": ["versioned"],
            "version_id": [it.id for it in versions],
        },
    }


EXAMPLES = 4
LIMITS = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}


def leading_somewhere(document, known, going):
    """Return a document of the same calls with parameters that are not all made up."""
    paths = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            there = going[path] if method == "delete" else known
            given = [
                {**it, "schema": {"enum": there[it["name"]]}}
                if it["in"] == "path" and it["name"] in there and path not in NAMED_OTHERWISE
                else it
                for it in operation["parameters"]
                if it["name"] != "Prefer"  # nothing runs here, so that each would take its time
            ]
            named = {"x-query": "put"}.get(method, method)  # libraries know no QUERY
            told = {**operation, "parameters": given, "x-method": method.removeprefix("x-")}
            told["security"] = []  # else most cases have a token of their own, which is none
            paths.setdefault(path, {})[named] = told
    return {**document, "paths": paths}


NAMED_OTHERWISE = {"/files/{key}/{name}"}
"""Its names are those of other things elsewhere."""


def cases_of(operation, examples=EXAMPLES):
    found = []
    for mode in GenerationMode:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def collect(case):
            found.append(case)

        try:
            collect()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing is wrong where all may be said
    return found


async def ask(as_alice, document, case):
    """Send a case, hold its answer to the document, and return its status."""
    own = document["paths"][case.operation.path][case.operation.method]
    try:
        told = case.as_transport_kwargs(base_url="http://hub.test")
        sent = requests.Request(**{**told, "method": own["x-method"].upper()}).prepare()
        headers = {**sent.headers, "authorization": as_alice.http.headers["authorization"]}
        answer = await as_alice(sent.method, sent.url, headers=headers, content=sent.body)
    except (requests.exceptions.RequestException, httpx.InvalidURL, UnicodeError):
        return None  # what the client libraries do not send; raw bytes are tried elsewhere
    answered_as_told(own, document, case.operation.label, answer)
    return answer.status_code


def answered_as_told(own, document, label, answer):
    where = f"{label}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, where
    told = own["responses"].get(str(answer.status_code)) or own["responses"]["default"]
    if "$ref" in told:
        told = document["components"]["responses"][told["$ref"].rpartition("/")[2]]
    kinds = told.get("content", {})
    if not kinds:
        assert "$ref" in told or answer.content == b"", where
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in kinds or "*/*" in kinds, where
    if kind in kinds and kind.endswith("json"):
        assert errors(document, kinds[kind]["schema"], answer.json()) == [], where
    if kind == "text/event-stream":
        assert EVENTS.fullmatch(answer.text), where


EVENTS = re.compile(r"(?:: .*\n\n|event: (?:output|logs|error|done)\nid: .+\n(?:data: .*\n)+\n)*")
