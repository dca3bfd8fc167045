"""Schemas of any shape become fields of a form, and addresses become values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coghub.ui.form import Widget, fields_of, values_of
from coghub.ui.schema import kind_of, output_kind


def document(**properties):
    schemas = {
        "Style": {"enum": ["oil", "ink"], "type": "string", "title": "Style"},
        "Input": {"properties": properties, "required": ["needed"]},
    }
    return {"components": {"schemas": schemas}}


def field(said):
    return fields_of(document(it=said))[0]


@pytest.mark.parametrize(
    ("said", "widget"),
    [
        ({"type": "string"}, Widget.TEXT),
        ({"type": "string", "format": "uri"}, Widget.FILE),
        ({"type": "string", "format": "password"}, Widget.SECRET),
        ({"type": "integer"}, Widget.NUMBER),
        ({"type": "number", "nullable": True}, Widget.NUMBER),
        ({"type": "boolean"}, Widget.SWITCH),
        ({"allOf": [{"$ref": "#/components/schemas/Style"}]}, Widget.CHOICE),
        ({"type": "array", "items": {"type": "string", "format": "uri"}}, Widget.FILES),
        ({"type": "array", "items": {"type": "string"}}, Widget.LIST),
        ({"type": "array", "items": {"type": "integer"}}, Widget.LIST),
        ({"type": "array", "items": {"type": "object"}}, Widget.JSON),
        ({"type": "object"}, Widget.JSON),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, Widget.JSON),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, Widget.NUMBER),
        ({}, Widget.JSON),
    ],
)
def test_each_type_has_its_widget(said, widget):
    assert field(said).widget is widget


@pytest.mark.parametrize(
    ("minimum", "maximum", "kind", "step"),
    [
        (0, 1, "number", 0.01),
        (0, 20, "number", 0.1),
        (0.1, 8, "number", 0.1),
        (1, 50, "integer", 1),
        (0, None, "number", None),
        (5, 5, "number", None),
    ],
)
def test_a_slider_has_a_step_that_fits_the_range(minimum, maximum, kind, step):
    said = {"type": kind, "minimum": minimum}
    found = field(said if maximum is None else {**said, "maximum": maximum})

    assert found.step == step
    assert found.has_slider is (step is not None)


def test_a_seed_has_no_slider():
    assert not field({"type": "integer", "minimum": 0, "maximum": 2**32 - 1}).has_slider
    assert field({"type": "integer", "minimum": 1, "maximum": 4096}).has_slider


def test_an_exclusive_bound_of_whole_numbers_is_the_next_one():
    found = field({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10})

    assert (found.minimum, found.maximum) == (1, 9)


def test_fields_come_in_the_order_of_the_signature():
    found = fields_of(document(b={"x-order": 1}, needed={"x-order": 0}))

    assert [(it.name, it.is_required) for it in found] == [("needed", True), ("b", False)]


def test_an_address_gives_texts_as_they_are_and_the_rest_as_json():
    fields = fields_of(
        document(
            text={"type": "string"},
            number={"type": "number"},
            key={"type": "string", "format": "password"},
            style={"allOf": [{"$ref": "#/components/schemas/Style"}]},
            words={"type": "array", "items": {"type": "string"}},
            broken={"type": "integer"},
        )
    )
    query = {
        "text": "12",
        "number": "1.5",
        "key": "hunter2",
        "style": "ink",
        "words": '["a"]',
        "broken": "{",
        "other": "1",
    }

    assert values_of(fields, query) == {"text": "12", "number": 1.5, "style": "ink", "words": ["a"]}


ODD = [
    {},
    {"components": []},
    {"components": {"schemas": {"Input": 3, "Output": []}}},
    {"components": {"schemas": {"Input": {"properties": {"a": 1, "b": None}, "required": 7}}}},
    {"components": {"schemas": {"Input": {"properties": {"a": {"allOf": [3], "enum": 5}}}}}},
    {"components": {"schemas": {"Input": {"properties": {"a": {"x-order": 10**400}}}}}},
    {"components": {"schemas": {"Input": {"properties": {"a": {"type": ["x"]}}}}}},
    {"components": {"schemas": {"Output": {"type": ""}}}},
    {"components": {"schemas": {"Output": {"type": "array", "items": {"$ref": "#/x/Output"}}}}},
]


@pytest.mark.parametrize("odd", ODD)
def test_a_schema_of_an_odd_shape_is_shown_as_far_as_it_goes(odd):
    assert isinstance(fields_of(odd), list)
    assert output_kind(odd)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "allOf",
                    "anyOf",
                    "$ref",
                    "items",
                    "enum",
                    "x-order",
                    "default",
                    "minimum",
                    "exclusiveMaximum",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JSON, JSON)
@settings(max_examples=100, deadline=None)
def test_no_schema_breaks_the_page(first, second):
    properties = {"a": first, "b": second}
    schemas = {"Input": {"properties": properties, "required": second}, "Output": first}
    odd = {"components": {"schemas": schemas}}

    assert len(fields_of(odd)) == 2
    assert output_kind(odd)
    assert kind_of(odd, second)
