"""Documents of OpenAPI 3.0 before a validator of JSON Schema 2020-12."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.server.errors import Refusal
from cog.server.validation import InputSchema

MAYBE = {"type": "integer", "nullable": True}


def takes(schema: dict[str, Any], value: Any, **components: Any) -> bool:
    inputs = {"type": "object", "properties": {"x": schema}}
    document = {"components": {"schemas": {"Input": inputs, **components}}}
    try:
        InputSchema(document, component="Input", warn=pytest.fail).check({"x": value})
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": MAYBE}, [1, None]),
        ({"items": {"items": MAYBE, "nullable": True}}, [None, [None]]),
        ({"additionalProperties": MAYBE}, {"a": None}),
        ({"properties": {"nullable": MAYBE}}, {"nullable": None}),
        ({"items": {"anyOf": [MAYBE, {"type": "string"}]}}, [None, "x"]),
        ({"items": {"anyOf": [{"type": "string"}], "nullable": True}}, [None]),
        ({"items": {"enum": ["a"], "type": "string", "nullable": True}}, ["a", None]),
        ({"items": {"enum": ["a"], "nullable": True}}, [None]),
        ({"items": {"allOf": [{"$ref": "#/components/schemas/C"}], "nullable": True}}, [None]),
        ({"items": {"type": ["integer", "string"], "nullable": True}}, [None, 1, "x"]),
        ({"items": {"nullable": True}}, [None, 1]),
        ({"$ref": "#/components/schemas/D"}, {"d": None}),
    ],
)
def test_null_is_taken_inside_where_the_document_says_so(schema, value):
    c = {"enum": ["a", "b"], "type": "string"}

    assert takes(schema, value, C=c, D={"properties": {"d": MAYBE}})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"type": "integer"}}, [None]),
        ({"items": {"type": "integer", "nullable": False}}, [None]),
        ({"items": MAYBE}, ["x"]),
        ({"items": {"enum": ["a"], "nullable": True}}, ["b"]),
        ({"type": "array", "items": MAYBE, "minItems": 2}, [None]),
    ],
)
def test_nothing_else_is(schema, value):
    assert not takes(schema, value)


@pytest.mark.parametrize("pattern", ["(", r"\Z", "(?P<a>x)(?P=a)", r"\d{5000000}"])
def test_a_pattern_that_only_python_knows_is_left_to_the_worker(pattern):
    text = {"type": "string", "pattern": pattern, "minLength": 2}
    inputs = {"properties": {"x": {"items": text}, "y": text, "pattern": text}}
    warnings: list[str] = []

    schema = InputSchema(
        {"components": {"schemas": {"Input": inputs}}}, component="Input", warn=warnings.append
    )

    assert warnings == [pattern] * 3
    assert schema.check({"x": ["some"], "y": "more"}).input
    with pytest.raises(Refusal, match="shorter"):
        schema.check({"y": "s"})


@given(st.text(alphabet=r"ab(?<=!P:>)\Z[]{}1,*+|^$", max_size=12))
def test_no_pattern_keeps_a_model_from_being_served(pattern):
    inputs = {"properties": {"x": {"type": "string", "pattern": pattern}}}

    schema = InputSchema(
        {"components": {"schemas": {"Input": inputs}}}, component="Input", warn=re.escape
    )

    assert schema.check({}).input == {}
