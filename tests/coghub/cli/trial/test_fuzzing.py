import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.cli.input_schema import InputSchema
from coghub.cli.trial.draws import drawn
from coghub.cli.trial.fuzzing import Fit, fault
from coghub.cli.trial.outcome import End, Outcome

PROPERTIES = {
    "text": {"type": "string"},
    "short": {"type": "string", "minLength": 2, "maxLength": 5},
    "count": {"type": "integer", "minimum": 1, "maximum": 5},
    "above": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "any_number": {"type": "number"},
    "fmt": {"allOf": [{"$ref": "#/components/schemas/fmt"}], "default": "png"},
    "image": {"type": "string", "format": "uri"},
    "seed": {"type": "integer", "nullable": True},
    "numbers": {"type": "array", "items": {"type": "integer"}},
    "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    "flag": {"type": "boolean"},
    "anything": {},
    "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
    "person": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name"],
    },
}
DOCUMENT = {
    "components": {
        "schemas": {
            "Input": {"type": "object", "properties": PROPERTIES, "required": ["text", "count"]},
            "Output": {"type": "string", "title": "Output"},
            "fmt": {"type": "string", "enum": ["png", "jpg"]},
        }
    }
}
SCHEMA = InputSchema(DOCUMENT, "predict")
FIT = Fit(DOCUMENT, SCHEMA)
DRAWS = [drawn(SCHEMA, f"7:{number}") for number in range(400)]


@given(st.text())
def test_equal_seeds_draw_equal_inputs_which_are_json(seed):
    first, second = drawn(SCHEMA, seed), drawn(SCHEMA, seed)

    assert json.dumps(first) == json.dumps(second)


def test_most_draws_fit_the_schema_and_some_do_not():
    fitting = [FIT.misfit(values) is None for values in DRAWS]

    assert 250 < sum(fitting) < 390


def test_every_input_is_given_and_every_optional_one_left_out():
    names = set(PROPERTIES)

    assert set.union(*(set(values) for values in DRAWS)) == names
    assert set.intersection(*(set(it) for it in DRAWS if FIT.misfit(it) is None)) == {
        "text",
        "count",
    }


def test_edges_choices_and_texts_of_all_kinds_are_drawn():
    def values_of(name):
        return [values[name] for values in DRAWS if name in values]

    assert {1, 5} <= {it for it in values_of("count") if isinstance(it, int)}
    assert {0, 6} & {it for it in values_of("count") if isinstance(it, int)}
    assert {"png", "jpg"} <= set(map(str, values_of("fmt")))
    assert "" in values_of("text")
    assert max(len(it) for it in values_of("text") if isinstance(it, str)) == 100_000
    assert None in values_of("seed")
    assert any(str(it).startswith("data:image/png;base64,") for it in values_of("image"))


FINE = {"text": "a", "count": 1}


@pytest.mark.parametrize(
    ("values", "outcome", "reason"),
    [
        (FINE, Outcome(End.SUCCEEDED, raw="out"), None),
        (FINE, Outcome(End.FAILED, error="too dark"), None),
        (FINE, Outcome(End.REFUSED, error="no"), None),
        ({**FINE, "count": 9}, Outcome(End.REFUSED, error="no"), None),
        ({**FINE, "short": None}, Outcome(End.SUCCEEDED, raw="out"), None),
        (FINE, Outcome(End.FAILED, error=" "), "the prediction failed without a word"),
        (FINE, Outcome(End.DIED, error="exited"), "the model died: exited"),
        (FINE, Outcome(End.OVERDUE, error="1 s"), "the prediction did not end: 1 s"),
        (FINE, Outcome(End.BROKEN, error="500"), "the answer cannot be used: 500"),
        (
            FINE,
            Outcome(End.SUCCEEDED, raw=None),
            'the output does not fit the schema: null is not of type "string"',
        ),
        (
            {**FINE, "count": 9},
            Outcome(End.SUCCEEDED, raw="out"),
            (
                "an input that does not fit the schema was not refused: "
                "count: 9 is greater than the maximum of 5"
            ),
        ),
        (
            {"text": "a"},
            Outcome(End.FAILED, error="KeyError"),
            "an input that does not fit the schema was not refused: ",
        ),
    ],
)
def test_an_answer_or_a_clean_error_is_demanded(values, outcome, reason):
    told = fault(FIT, values, outcome)

    assert told == reason if reason is None else told.startswith(reason)


@pytest.mark.parametrize(
    ("output", "value", "is_fit"),
    [
        ({"type": "object"}, "anything", True),
        ({"type": "array", "items": {"type": "object"}}, ["anything"], True),
        ({"type": "array", "items": {"type": "object"}}, "anything", False),
        ({"$ref": "#/components/schemas/Row"}, {"a": "x"}, True),
        ({"$ref": "#/components/schemas/Row"}, {"a": 1}, False),
        ({"$ref": "#/components/schemas/Row"}, {}, False),
        ({"type": "string", "nullable": True}, None, True),
        ({"type": "string"}, None, False),
        ({}, None, True),
    ],
)
def test_an_output_is_held_against_its_type(output, value, is_fit):
    row = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    schemas = {**DOCUMENT["components"]["schemas"], "Output": output, "Row": row}
    fit = Fit({"components": {"schemas": schemas}}, SCHEMA)

    assert (fit.output_misfit(value) is None) == is_fit


def test_a_misfit_is_told_with_its_end_however_long_the_value_is():
    told = FIT.output_misfit(["x" * 1000])

    assert told.endswith('"] is not of type "string"')
    assert len(told) < 130
