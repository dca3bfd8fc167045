"""Schemas of any shape become rows, or nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coghub.web.schema_rows import input_rows, output_kind

ODD = [
    {},
    {"components": []},
    {"components": {"schemas": {"Input": 3, "Output": []}}},
    {"components": {"schemas": {"Input": {"properties": {"a": 1, "b": None}, "required": 7}}}},
    {"components": {"schemas": {"Input": {"properties": {"a": {"allOf": [3], "enum": 5}}}}}},
    {"components": {"schemas": {"Input": {"properties": {"a": {"x-order": 10**400}}}}}},
    {"components": {"schemas": {"Output": {"type": ""}}}},
    {"components": {"schemas": {"Output": {"type": "array", "items": {"$ref": "#/x/Output"}}}}},
]


@pytest.mark.parametrize("document", ODD)
def test_a_schema_of_an_odd_shape_is_shown_as_far_as_it_goes(document):
    assert isinstance(input_rows(document), list)
    assert output_kind(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "allOf", "$ref", "items", "enum", "x-order", "default"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JSON, JSON)
@settings(max_examples=60, deadline=None)
def test_no_schema_breaks_the_page(first, second):
    properties = {"a": first, "b": second}
    schemas = {"Input": {"properties": properties, "required": second}, "Output": first}
    document = {"components": {"schemas": schemas}}

    assert len(input_rows(document)) == 2
    assert output_kind(document)
