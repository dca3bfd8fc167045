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

METHODS = {"get", "put", "post", "delete", "patch"}


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


async def test_whatever_is_asked_the_answer_is_one_of_the_document(as_alice, known, document):
    """What the document allows, and what it does not; nothing is answered with an error of ours."""
    leading = leading_somewhere(document, known)
    asked = 0
    for found in openapi.from_dict(leading).get_all_operations():
        for case in cases_of(found.ok()):
            await ask(as_alice, document, case)
            asked += 1

    assert asked > 2 * len(OPERATIONS)


def leading_somewhere(document, known):
    """Return a document of the same calls with parameters that are not all made up."""
    paths = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS or method == "delete" or "/streams/" in path:
                continue
            given = [
                {**it, "schema": {"enum": known[it["name"]]}}
                if it["in"] == "path" and it["name"] in known
                else it
                for it in operation["parameters"]
                if it["name"] != "Prefer"  # nothing runs here, so that each would take its time
            ]
            paths.setdefault(path, {})[method] = {**operation, "parameters": given}
    return {**document, "paths": paths}


def cases_of(operation, examples=4):
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
    try:
        sent = requests.Request(**case.as_transport_kwargs(base_url="http://hub.test")).prepare()
        headers = {**sent.headers, "authorization": as_alice.http.headers["authorization"]}
        answer = await as_alice(sent.method, sent.url, headers=headers, content=sent.body)
    except (requests.exceptions.RequestException, httpx.InvalidURL, UnicodeError):
        return  # what the client libraries do not send; raw bytes are tried elsewhere
    answered_as_told(document, case.operation, answer)


def answered_as_told(document, operation, answer):
    where = f"{operation.label}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, where
    own = document["paths"][operation.path][operation.method]["responses"]
    told = own.get(str(answer.status_code)) or own["default"]
    if "$ref" in told:
        told = document["components"]["responses"][told["$ref"].rpartition("/")[2]]
    kinds = told.get("content", {})
    if not kinds:
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in kinds or "*/*" in kinds, where
    if kind in kinds and kind.endswith("json"):
        assert errors(document, kinds[kind]["schema"], answer.json()) == [], where
