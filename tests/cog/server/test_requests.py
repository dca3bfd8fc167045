"""Bodies: read whole, or refused as Cog does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.server.errors import Refusal
from cog.server.reply import Request
from cog.server.requests import PredictionRequest, parse

FIELDS = ("id", "input", "context", "webhook", "webhook_events_filter", "other")


def read(body: bytes, content_type: bytes | None = b"application/json") -> PredictionRequest:
    headers = {} if content_type is None else {b"content-type": content_type}
    request = Request("POST", b"/predictions", headers)
    request.body = body
    return parse(request)


def status(body: bytes, content_type: bytes | None = b"application/json") -> int:
    with pytest.raises(Refusal) as caught:
        read(body, content_type)
    return caught.value.status


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=6,
)


@given(values)
def test_every_json_is_taken_or_refused(value):
    body = json.dumps(value).encode()

    try:
        found = read(body)
    except Refusal as refusal:
        found = refusal

    if isinstance(found, Refusal):
        assert found.status in (400, 422)
    else:
        assert found.id is None or isinstance(found.id, str)
        assert set(found.context or {}) <= set(value.get("context") or {})


@given(
    st.binary(max_size=60).map(lambda it: b"]" + it),
    st.binary(max_size=30) | st.just(b"application/json"),
)
def test_all_other_bytes_are_refused(body, content_type):
    assert status(body, content_type) in (400, 415, 422)


@pytest.mark.parametrize(
    ("kind", "is_taken"),
    [
        (b"application/json", True),
        (b"Application/JSON ; charset=utf-8", True),
        (b"application/problem+json", True),
        (b"text/json", False),
        (b"application/json, application/json", False),
        (b"", False),
        (None, False),
    ],
)
def test_only_json_is_read(kind, is_taken):
    if is_taken:
        assert read(b"{}", kind) == PredictionRequest()
    else:
        assert status(b"{}", kind) == 415


def test_no_body_of_no_type_is_an_empty_request():
    assert read(b"", None) == PredictionRequest()
    assert status(b"") == 400
