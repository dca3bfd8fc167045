"""What a pushed image says of itself came from anyone who may push."""

import json

import pytest
from hub_client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oci_images import Pusher

from coghub.domain.hardware import Hardware
from coghub.scheduler.placement import hardware_for, slots_of

WORDS = [
    "components", "schemas", "Input", "Output", "properties", "type", "items", "anyOf", "allOf",
    "$ref", "format", "enum", "default", "required", "nullable", "x-order", "text", "pattern",
    "additionalProperties", "build", "gpu", "concurrency", "max", "predict", "train", "title",
    "x-cog-secret", "writeOnly",
]  # fmt: skip
VALUES = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "\0", "object", "array", "string", "uri", "password",
    "((((", "^(a+)+$", "#/components/schemas/Input", "#/", "#/a/b", "http://127.0.0.1:1/x",
    "file:///etc/passwd", "text", "💥", "a" * 3000,
]  # fmt: skip
values = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=15,
)
objects = st.dictionaries(st.sampled_from(WORDS), values, max_size=6)
documents = st.builds(
    lambda given, made, more: {"components": {"schemas": {"Input": given, "Output": made}} | more},
    st.one_of(values, objects, objects.map(lambda it: {"type": "object", "properties": it})),
    values,
    objects,
)
inputs = st.dictionaries(st.sampled_from(WORDS), values, max_size=4)


@pytest.fixture
async def as_alice(app, alices):
    return Pusher(app, alices.token)


@given(schema=st.one_of(objects, documents), config=values, given_input=inputs)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_version_makes_the_hub_fail(hub, app, as_alice, schema, config, given_input):
    labels = {
        "run.cog.version": "0.23.1",
        "run.cog.bundle": "1",
        "run.cog.config": json.dumps(config),
        "run.cog.openapi_schema": json.dumps(schema),
    }

    pushed, _ = await as_alice.image("alice/secret-painter", labels)
    answers = [
        pushed,
        await as_alice("GET", "/v1/models/alice/secret-painter"),
        await as_alice("GET", "/v1/models/alice/secret-painter/versions"),
        await as_alice(
            "POST",
            "/v1/models/alice/secret-painter/predictions",
            content=json.dumps({"input": given_input}),
        ),
        await as_alice("GET", "/v1/predictions"),
        await Client(app)("GET", "/alice/secret-painter"),
    ]

    assert all(answer.status_code < 500 for answer in answers), answers
    alice = await hub.accounts.get("alice")
    version = (await hub.models.get(alice, "alice", "secret-painter")).latest_version
    assert slots_of(version) >= 1
    hardware_for(version, None, {"cpu": Hardware("cpu", "CPU", 1)})
