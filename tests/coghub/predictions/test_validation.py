"""Inputs against schemas: what fits, and how what does not is named."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coghub.domain.errors import InputRejected
from coghub.domain.model import Version
from coghub.predictions.validation import InputChecks

SCHEMAS = {
    "Style": {"type": "string", "enum": ["oil", "ink"], "title": "style"},
    "Input": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string", "minLength": 1, "maxLength": 9},
            "steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 20},
            "scale": {"type": "number", "exclusiveMinimum": 0},
            "style": {"allOf": [{"$ref": "#/components/schemas/Style"}], "default": "oil"},
            "image": {"type": "string", "format": "uri"},
            "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
            "seed": {"type": "integer", "nullable": True, "default": 3},
            "code": {"type": "string", "pattern": "^[a-z]+$"},
            "odd": {"type": "string", "pattern": "(?P<a>x)(?P=a)"},
            "options": {"type": "object", "properties": {"deep": {"type": "boolean"}}},
            "sizes": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}},
            "key": {"type": "string", "format": "password", "x-cog-secret": True},
            "mixed": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "note": {"type": "string", "format": "email"},
        },
    },
}


def version(document):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Version(1, "a" * 64, 1, moment, "0.23.1", document, is_bundle=True, config={})


def check(inputs, schemas=SCHEMAS):
    InputChecks().check(version({"components": {"schemas": schemas}}), inputs)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"steps": 50, "scale": 0.1, "style": "ink"},
        {"steps": 3.0},
        {"image": "https://a.b/c.png", "images": ["data:text/plain;base64,", "http://a/b"]},
        {"image": None, "scale": None, "images": None},
        {"seed": None},
        {"unknown": {"anything": [1]}},
        {"odd": "left to the model's server"},
        {"note": "not an address"},
        {"mixed": 3},
        {"options": {"deep": True, "more": 1}},
    ],
)
def test_what_fits_is_taken(change):
    check({"prompt": "a cat", **change})


@pytest.mark.parametrize(
    ("change", "kind", "field", "description"),
    [
        (
            {"prompt": ""},
            "string_gte",
            "prompt",
            "String length must be greater than or equal to 1",
        ),
        (
            {"prompt": "x" * 10},
            "string_lte",
            "prompt",
            "String length must be less than or equal to 9",
        ),
        ({"prompt": 3}, "invalid_type", "prompt", "Invalid type. Expected: string, given: integer"),
        ({"prompt": None}, "invalid_type", "prompt", "Invalid type. Expected: string, given: null"),
        ({"steps": None}, "invalid_type", "steps", "Invalid type. Expected: integer, given: null"),
        (
            {"steps": True},
            "invalid_type",
            "steps",
            "Invalid type. Expected: integer, given: boolean",
        ),
        ({"steps": 0}, "number_gte", "steps", "Must be greater than or equal to 1"),
        ({"steps": 51}, "number_lte", "steps", "Must be less than or equal to 50"),
        ({"scale": 0}, "number_gt", "scale", "Must be greater than 0"),
        ({"style": "wax"}, "enum", "style", 'style must be one of the following: "oil", "ink"'),
        ({"image": "/etc/passwd"}, "format", "image", "Does not match format 'uri'"),
        (
            {"images": ["http://a", "file:///b"]},
            "format",
            "images.1",
            "Does not match format 'uri'",
        ),
        ({"code": "A"}, "pattern", "code", "Does not match pattern '^[a-z]+$'"),
        (
            {"options": {"deep": 1}},
            "invalid_type",
            "options.deep",
            "Invalid type. Expected: boolean, given: integer",
        ),
        ({"sizes": []}, "array_min_items", "sizes", "Array must have at least 1 items"),
        ({"sizes": [1, 2, 3]}, "array_max_items", "sizes", "Array must have at most 2 items"),
        ({"mixed": []}, "number_any_of", "mixed", "Must validate at least one schema (anyOf)"),
    ],
)
def test_what_does_not_fit_is_named_as_gojsonschema_does(change, kind, field, description):
    with pytest.raises(InputRejected) as refused:
        check({"prompt": "a cat", **change})

    assert [(it.type, it.field, it.description) for it in refused.value.fields] == [
        (kind, f"input.{field}", description)
    ]


def test_a_missing_input_is_a_fault_of_the_whole():
    with pytest.raises(InputRejected) as refused:
        check({})

    assert refused.value.message == "- input: prompt is required\n"


def test_every_fault_is_named():
    with pytest.raises(InputRejected) as refused:
        check({"steps": 0, "style": 3})

    assert {it.field for it in refused.value.fields} == {"input", "input.steps", "input.style"}


def test_a_long_description_is_cut():
    schemas = {"Input": {"properties": {"a": {"enum": ["x" * 100] * 100}}}}

    with pytest.raises(InputRejected) as refused:
        check({"a": 1}, schemas)

    assert len(refused.value.fields[0].description) < 600


@pytest.mark.parametrize(
    "schemas",
    [
        {},
        {"Input": 3},
        {"Input": {"type": "nonsense"}},
        {"Input": {"$ref": "#/components/schemas/Nothing"}},
        {"Input": {"properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}}},
        {"Input": {"properties": {"a": {"$ref": "file:///etc/passwd"}}}},
        {"Input": {"properties": [], "required": {}}},
        {"Input": {"properties": {"a": {"nullable": True, "type": 3, "enum": 4}}}},
    ],
)
def test_a_schema_that_cannot_be_read_is_left_to_the_models_server(schemas):
    check({"a": "b"}, schemas)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*SCHEMAS["Input"]["properties"], "unknown"])


@given(st.dictionaries(NAMES, JSON, max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_input_breaks_the_check(inputs):
    with suppress(InputRejected):
        check(inputs)
