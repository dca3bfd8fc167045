"""Asks everything that a document names, with what it allows and with what it does not."""

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode, openapi
from tests.fuzz.surfaces import PATIENCE_S, Surface

Json = Mapping[str, Any]
NAMED = (b"OpenAPI schema not available", b"Setup has not finished yet")
"""The answers with a 5xx that contract 03 names, both 503: a server that is not ready."""
MUCH_READ_BYTES = 1024**2
STREAMS = "text/event-stream"
EVENTS = re.compile(rb"(?:: .*\n\n|event: (?:output|logs|error|done)\nid: .+\n(?:data: .*\n)+\n)*")
"""Of a prediction that has ended, so that they end too."""
FILES = [
    "data:,x", "data:text/plain;base64,eA==", "data:;base64,%", "data:", "http://[", "//x", "",
    "http://127.0.0.1:1/x", "http://127.0.0.1:99999/", "file:///etc/passwd", "coghub:/files/x",
    "http://\0/", "javascript:1", "ftp://127.0.0.1/x",
]  # fmt: skip
URLS = st.one_of(st.sampled_from(FILES), st.text(max_size=20).map("data:,{}".format))
"""What stands for a file: nothing that a test would look for on a network."""

openapi.format("uri", URLS)


def ask_everything(surface: Surface, *, examples: int) -> int:
    """Ask for each operation, and return how many there are.

    Raises:
        AssertionError: with a command that asks again, if an answer is one that must not be.
    """
    operations = [it.ok() for it in openapi.from_dict(dict(surface.document)).get_all_operations()]
    with requests.Session() as session:
        session.headers.update(surface.headers)
        session.trust_env = False
        for operation in operations:
            for mode in GenerationMode:
                _ask_operation(surface, session, operation, mode, examples)
    return len(operations)


def _ask_operation(
    surface: Surface,
    session: requests.Session,
    operation: APIOperation,
    mode: GenerationMode,
    examples: int,
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case) -> None:
        _ask(surface, session, case)

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing is wrong where anything may be said


def _ask(surface: Surface, session: requests.Session, case: Case) -> None:
    kwargs = case.as_transport_kwargs(base_url=surface.url)
    own = surface.document["paths"][case.operation.path][case.operation.method]
    kwargs["method"] = own.get("x-method", kwargs["method"])
    kwargs["headers"] = {**dict(kwargs.get("headers") or {}), **surface.headers}
    try:
        with session.request(
            **kwargs, timeout=PATIENCE_S, stream=True, allow_redirects=False
        ) as response:
            goes_on = _goes_on(response) and not surface.keeps_its_word
            body = b"" if goes_on else response.raw.read(MUCH_READ_BYTES)
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
        return  # what the client library does not send; raw bytes are tried elsewhere
    is_named = response.status_code == 503 and any(it in body for it in NAMED)
    assert response.status_code < 500 or is_named, (
        f"{response.status_code} {body[:500]!r}\n{case.as_curl_command()}"
    )
    if surface.keeps_its_word:
        wrong = _broken_word(surface.document, own, response, body)
        assert not wrong, f"{wrong}\n{body[:500]!r}\n{case.as_curl_command()}"


def _broken_word(
    document: Mapping[str, Any], own: Json, response: requests.Response, body: bytes
) -> str:
    """Return in what an answer is none of those that the document names; empty if it is one."""
    named = own["responses"]
    told = named.get(str(response.status_code)) or named["default"]
    if "$ref" in told:
        told = document["components"]["responses"][told["$ref"].rpartition("/")[2]]
    kinds = told.get("content", {})
    kind = response.headers.get("content-type", "").partition(";")[0]
    if not kinds or "*/*" in kinds:
        return ""
    if kind not in kinds:
        return f"{kind} is none of {', '.join(kinds)}"
    if kind == STREAMS:
        return "" if EVENTS.fullmatch(body) else "these are no events"
    if not kind.endswith("json") or len(body) == MUCH_READ_BYTES:
        return ""
    schema = {**kinds[kind]["schema"], "components": document["components"]}
    errors = jsonschema_rs.Draft202012Validator(schema).iter_errors(json.loads(body))
    return "; ".join(error.message for error in errors)


def _goes_on(response: requests.Response) -> bool:
    return response.headers.get("content-type", "").startswith(STREAMS)
