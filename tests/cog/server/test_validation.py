"""Inputs beside the document of a model."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.server.errors import Refusal
from cog.server.validation import InputSchema


def schema(properties: dict[str, Any], required: list[str] | None = None) -> InputSchema:
    component = {"type": "object", "properties": properties, "required": required or []}
    components = {"schemas": {"Input": component, "fmt": {"enum": ["png", "jpg"]}}}
    return InputSchema({"components": components}, component="Input", warn=pytest.fail)


def refusal(inputs: InputSchema, value: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(Refusal) as caught:
        inputs.check(value)
    assert caught.value.status == 422
    detail = msgspec.json.decode(caught.value.body)["detail"]
    assert all(it["loc"][:2] == ["body", "input"] for it in detail)
    return [(it["loc"][2], it["msg"], it["type"]) for it in detail]


URI = {"type": "string", "format": "uri"}
MAYBE = {"type": "integer", "nullable": True}


def test_a_missing_field_has_a_type_of_its_own():
    inputs = schema({"a": {"type": "string"}}, ["a"])

    assert refusal(inputs, {}) == [("a", "Field required", "value_error.missing")]


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ({"type": "integer", "maximum": 5}, 9, "9 is greater than the maximum of 5"),
        ({"type": "integer"}, "4", '"4" is not of type "integer"'),
        ({"type": "integer"}, True, 'true is not of type "integer"'),
        ({"type": "string"}, None, 'null is not of type "string"'),
        ({"allOf": [{"$ref": "#/components/schemas/fmt"}]}, "q", '"q" is not one of ["png","jpg"]'),
        ({"type": "string", "pattern": "^a"}, "b", '"b" does not match "^a"'),
        (MAYBE, "x", '"x" is not of type "integer"'),
    ],
)
def test_what_does_not_fit_is_said_in_cogs_words(rule, value, message):
    assert refusal(schema({"a": rule}, ["a"]), {"a": value}) == [("a", message, "value_error")]


def test_problems_are_sorted_by_field_and_name_places_in_lists():
    inputs = schema({"b": {"type": "array", "items": {"type": "string"}}, "a": {"type": "string"}})

    fields = [field for field, _, _ in refusal(inputs, {"b": ["x", 1], "a": 2})]

    assert fields == ["a", "b/1"]


@pytest.mark.parametrize("value", [[], "x", 3, True])
def test_an_input_that_is_no_object_is_refused_as_a_whole(value):
    ((field, message, _),) = refusal(schema({}), value)

    assert field == "__root__"
    assert message.endswith('is not of type "object"')


def test_unknown_fields_are_stripped():
    checked = schema({"a": {"type": "string"}}).check({"a": "x", "z": 1})

    assert (checked.input, checked.stripped) == ({"a": "x"}, ["z"])


def test_a_whole_float_is_an_integer():
    assert schema({"a": {"type": "integer"}}).check({"a": 2.0}).input == {"a": 2.0}


@pytest.mark.parametrize("required", [[], ["a"]])
def test_a_nullable_field_takes_null(required):
    assert schema({"a": MAYBE}, required).check({"a": None}).input == {"a": None}


def test_a_nullable_union_takes_null():
    union = {"anyOf": [MAYBE, {"type": "string", "nullable": True}], "nullable": True}

    assert schema({"a": union}, ["a"]).check({"a": None}).input == {"a": None}


def test_null_for_an_optional_field_is_the_same_as_leaving_it_out():
    assert schema({"a": {"type": "string"}}).check({"a": None}).input == {}


def test_an_omitted_nullable_field_becomes_null_unless_it_has_a_default():
    inputs = schema({"a": MAYBE, "b": {**MAYBE, "default": None}, "c": {**MAYBE, "default": 3}})

    assert inputs.check(None).input == {"a": None}


def test_files_are_found_where_their_format_says_so():
    inputs = schema(
        {
            "one": URI,
            "many": {"type": "array", "items": URI},
            "either": {"anyOf": [URI, {"type": "string"}]},
            "text": {"type": "string"},
        }
    )

    checked = inputs.check(
        {
            "one": "https://x/y",
            "many": ["data:,a", "http://b/"],
            "either": "https://z",
            "text": "https://not/touched",
        }
    )

    assert checked.files == [("one",), ("many", 0), ("many", 1), ("either",)]


def test_a_field_for_files_or_text_takes_other_text():
    inputs = schema({"either": {"anyOf": [URI, {"type": "string"}]}})

    assert inputs.check({"either": "/etc/passwd"}).files == []


@pytest.mark.parametrize("value", ["/etc/passwd", "file:///etc/passwd", "HTTP//x", "", "ftp://x"])
def test_a_file_that_is_no_url_is_refused(value):
    ((field, message, _),) = refusal(schema({"one": URI}), {"one": value})

    assert field == "one"
    assert message.endswith("is not a valid URL scheme. 'data', 'http', or 'https' is supported.")


def test_a_message_does_not_repeat_megabytes():
    ((_, message, _),) = refusal(schema({"a": {"type": "integer"}}), {"a": "x" * 1_000_000})

    assert len(message) < 3000
    assert message.endswith('is not of type "integer"')


def test_nesting_without_end_is_refused():
    nested: list[Any] = []
    for _ in range(2000):
        nested = [nested]

    ((field, _, _),) = refusal(schema({"a": {"type": "object"}}), {"a": nested})

    assert field == "__root__"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=3), it, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcd"), JSON))
def test_every_input_is_taken_or_refused_with_a_reason(value):
    inputs = schema(
        {
            "a": {"type": "integer", "minimum": 0},
            "b": {"type": "array", "items": URI},
            "c": {"anyOf": [{"type": "string"}, {"type": "number"}], "nullable": True},
        },
        ["a"],
    )

    try:
        checked = inputs.check(value)
    except Refusal as refused:
        detail = msgspec.json.decode(refused.body)["detail"]
    else:
        detail = []

    if not detail:
        assert checked.input.keys() <= set("abc")
        assert checked.input["a"] >= 0
