"""What a new version would break."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.schema_changes import breaking_changes

TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
FILE = {"type": "string", "format": "uri"}
SECRET = {"type": "string", "format": "password", "writeOnly": True}
NULL_TEXT = {"type": "string", "nullable": True}
LIST = {"type": "array", "items": TEXT}


def document(
    inputs: dict[str, Any] | None = None,
    required: tuple[str, ...] = (),
    output: Any = TEXT,
    prefix: str = "",
    **components: Any,
) -> dict[str, Any]:
    own = {"type": "object", "properties": inputs or {}, "required": list(required)}
    schemas = {f"{prefix}Input": own, f"{prefix}Output": output, **components}
    return {"openapi": "3.0.2", "components": {"schemas": schemas}}


def choice(*values: Any) -> dict[str, Any]:
    return {"enum": list(values), "type": "string"}


def test_equal_documents_break_nothing() -> None:
    both = document(
        {"a": TEXT, "b": {"allOf": [{"$ref": "#/components/schemas/b"}]}}, b=choice("x")
    )

    assert breaking_changes(both, both) == []


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (INTEGER, NUMBER),
        (TEXT, NULL_TEXT),
        (TEXT, {"anyOf": [TEXT, INTEGER]}),
        (TEXT, {"type": ["string", "null"]}),
        (TEXT, SECRET),
        (TEXT, {}),
        ({"minimum": 1, **INTEGER}, {"minimum": 0, **INTEGER}),
        ({"maximum": 1, **INTEGER}, {"maximum": 2, **INTEGER}),
        ({"minimum": 1, "maximum": 5, **INTEGER}, INTEGER),
        ({"pattern": "a", **TEXT}, TEXT),
        (choice("a"), choice("b", "a")),
        (choice("a"), TEXT),
        ({"default": "a", **TEXT}, {"default": "b", "description": "other", **TEXT}),
        (LIST, {"type": "array", "items": NULL_TEXT}),
        ({"type": "object", "properties": {"a": TEXT}}, {"type": "object"}),
    ],
)
def test_a_wider_input_breaks_nothing(was: Any, now: Any) -> None:
    assert breaking_changes(document({"it": was}), document({"it": now})) == []


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        (TEXT, INTEGER, "has another type: string before, integer now"),
        (NUMBER, INTEGER, "has another type: number before, integer now"),
        (TEXT, FILE, "has another type: string before, file now"),
        (FILE, TEXT, "has another type: file before, string now"),
        (TEXT, LIST, "has another type: string before, list of string now"),
        ({}, TEXT, "has another type: any before, string now"),
        (
            {"anyOf": [TEXT, INTEGER]},
            TEXT,
            "has another type: string or integer before, string now",
        ),
        (NULL_TEXT, TEXT, "no longer takes null"),
        (choice("a", "b", "c"), choice("b"), 'lost the choices "a", "c"'),
        (choice("a", "b"), choice("b"), 'lost the choice "a"'),
        (TEXT, choice("b", "a"), 'takes only these now: "a", "b"'),
        (INTEGER, {"minimum": 1, **INTEGER}, "has another smallest value: none before, 1 now"),
        (
            {"minimum": 0, **INTEGER},
            {"minimum": 1, **INTEGER},
            "has another smallest value: 0 before, 1 now",
        ),
        (
            {"maximum": 9, **NUMBER},
            {"maximum": 8.5, **NUMBER},
            "has another largest value: 9 before, 8.5 now",
        ),
        (TEXT, {"maxLength": 5, **TEXT}, "has another largest length: none before, 5 now"),
        (TEXT, {"pattern": "^a", **TEXT}, "has another pattern: none before, ^a now"),
        (
            LIST,
            {"type": "array", "items": INTEGER},
            "has items of which each has another type: string before, integer now",
        ),
        (
            {"type": "object", "properties": {"a": TEXT}},
            {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["b"]},
            "changed: field `b` is new and required",
        ),
    ],
)
def test_a_narrower_input_is_named(was: Any, now: Any, line: str) -> None:
    found = breaking_changes(document({"it": was}), document({"it": now}))

    assert found == [f"input `it` {line}"]


def test_inputs_that_come_and_go() -> None:
    was = document({"gone": TEXT, "late": TEXT, "kept": TEXT}, required=("kept",))
    now = document(
        {"late": TEXT, "kept": TEXT, "new": TEXT, "extra": TEXT}, required=("late", "kept", "new")
    )

    assert breaking_changes(was, now) == [
        "input `gone` was removed",
        "input `late` is required now",
        "input `new` is new and required",
    ]


def test_an_input_that_is_optional_now_breaks_nothing() -> None:
    inputs = {"a": TEXT}

    assert breaking_changes(document(inputs, ("a",)), document(inputs)) == []


def test_choices_stand_behind_references() -> None:
    inputs = {"mode": {"allOf": [{"$ref": "#/components/schemas/mode"}], "default": "a"}}

    found = breaking_changes(
        document(inputs, mode=choice("a", "b")), document(inputs, mode=choice("a"))
    )

    assert found == ['input `mode` lost the choice "b"']


def fields(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (NUMBER, INTEGER),
        (NULL_TEXT, TEXT),
        ({}, TEXT),
        (choice("a", "b"), choice("a")),
        (fields(a=TEXT), fields(a=TEXT, b=TEXT)),
        (LIST, {"type": "array", "items": TEXT, "x-cog-array-type": "iterator"}),
        ({"type": "array", "items": NUMBER}, {"type": "array", "items": INTEGER}),
    ],
)
def test_an_output_that_was_possible_before_breaks_nothing(was: Any, now: Any) -> None:
    assert breaking_changes(document(output=was), document(output=now)) == []


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        (TEXT, FILE, "output is file now, string before"),
        (INTEGER, NUMBER, "output is number now, integer before"),
        (TEXT, NULL_TEXT, "output is string or null now, string before"),
        (TEXT, {}, "output is any now, string before"),
        (FILE, {"type": "array", "items": FILE}, "output is list of file now, file before"),
        (choice("a"), choice("a", "b"), 'output is one of "a", "b" now, one of "a" before'),
        (LIST, {**LIST, "items": FILE}, "each item of the output is file now, string before"),
        (fields(a=TEXT, b=TEXT), fields(b=TEXT), "output field `a` was removed"),
        (fields(a=TEXT), fields(a=FILE), "output field `a` is file now, string before"),
        (fields(("a",), a=TEXT), fields(a=TEXT), "output field `a` may be missing now"),
    ],
)  # fmt: skip
def test_an_output_that_nobody_expects_is_named(was: Any, now: Any, line: str) -> None:
    assert breaking_changes(document(output=was), document(output=now)) == [line]


def test_trainings_are_compared_too() -> None:
    was, now = document({"a": TEXT}, prefix="Training"), document({}, prefix="Training")

    assert breaking_changes(was, now) == ["training input `a` was removed"]
    assert breaking_changes(was, document()) == ["`train` was removed"]
    assert breaking_changes(document(), was) == ["`predict` was removed"]


def test_documents_without_end_come_to_one() -> None:
    loop = {"$ref": "#/components/schemas/loop"}
    endless = document({"a": loop}, loop={"type": "array", "items": loop}, output=loop)
    itself = document({"a": loop}, loop=loop)

    assert breaking_changes(endless, endless) == []
    assert breaking_changes(itself, itself) == []


def test_a_document_that_unfolds_without_end_is_looked_at_for_a_moment_only() -> None:
    def level(number: int) -> dict[str, Any]:
        below = {"$ref": f"#/components/schemas/c{number + 1}"}
        fields = dict.fromkeys("abcdefgh", below)
        return {
            "anyOf": [below] * 50,
            "allOf": [below] * 50,
            "type": "object",
            "properties": fields,
        }

    components = {f"c{number}": level(number % 30) for number in range(31)}
    huge = document({"a": {"$ref": "#/components/schemas/c0"}}, **components)

    assert breaking_changes(huge, huge) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "enum", "anyOf", "allOf", "$ref", "items", "properties", "required", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(was=JSON, now=JSON)
def test_no_document_of_a_stranger_ends_in_a_traceback(was: Any, now: Any) -> None:
    old, new = document({"a": was}, output=was), document({"a": now}, output=now)
    old["components"]["schemas"]["b"], new["components"]["schemas"]["Input"]["required"] = was, now

    assert isinstance(breaking_changes(old, new), list)
