import pytest

from coghub.cli.input_check import check_inputs
from coghub.cli.input_schema import InputSchema
from coghub.domain.errors import InputInvalid


def document(properties, *, required=(), components=None):
    ordered = {name: {"x-order": i, **rules} for i, (name, rules) in enumerate(properties.items())}
    schema = {"title": "Input", "type": "object", "properties": ordered}
    if required:
        schema["required"] = list(required)
    return {"components": {"schemas": {"Input": schema, **(components or {})}}}


SCHEMA = InputSchema(
    document(
        {
            "text": {"type": "string", "maxLength": 5, "pattern": "^a"},
            "count": {"type": "integer", "minimum": 1, "maximum": 5},
            "fmt": {"allOf": [{"$ref": "#/components/schemas/fmt"}], "default": "png"},
            "image": {"type": "string", "format": "uri"},
            "seed": {"type": "integer", "nullable": True},
            "numbers": {"type": "array", "items": {"type": "integer"}},
            "frames": {"type": "array", "items": {"type": "string", "format": "uri"}},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            "level": {"allOf": [{"$ref": "#/components/schemas/level"}]},
        },
        components={
            "fmt": {"type": "string", "enum": ["png", "jpg"]},
            "level": {"type": "integer", "enum": [1, 2]},
        },
    ),
    "predict",
)


def refusal(values, schema=SCHEMA):
    with pytest.raises(InputInvalid) as refused:
        check_inputs(values, schema)
    return refused.value


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"text": "abc", "count": 5, "fmt": "jpg"},
        {"count": 2.0},
        {"seed": None},
        {"seed": 2**80},
        {"image": "https://example.com/a.png"},
        {"image": "data:image/png;base64,"},
        {"numbers": []},
        {"frames": ["data:image/png;base64,", "https://example.com/a.png"]},
        {"either": 5},
        {"either": "x"},
        {"level": 2},
    ],
)
def test_inputs_that_fit_are_let_through(values):
    check_inputs(values, SCHEMA)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"x": 1},
            (
                'unknown input "x"; valid inputs are: '
                "text, count, fmt, image, seed, numbers, frames, either, level"
            ),
        ),
        ({"count": "5"}, 'invalid input "count": expected integer, got string'),
        ({"count": 1.5}, 'invalid input "count": expected integer, got number'),
        ({"count": True}, 'invalid input "count": expected integer, got boolean'),
        ({"text": ["a"]}, 'invalid input "text": expected string, got array'),
        ({"either": {}}, 'invalid input "either": expected string or number, got object'),
        ({"fmt": "gif"}, 'invalid input "fmt": must be one of: png, jpg'),
        ({"level": 3}, 'invalid input "level": must be one of: 1, 2'),
        (
            {"text": None},
            'invalid input "text": must not be null (omit the input to use its default)',
        ),
        ({"count": 9}, 'invalid input "count": 9 is greater than the maximum of 5'),
        ({"count": 2**70}, f'invalid input "count": {2**70} is greater than the maximum of 5'),
        ({"text": "b"}, 'invalid input "text": "b" does not match "^a"'),
        ({"numbers": [1, "a"]}, 'invalid input "numbers.1": "a" is not of type "integer"'),
        ({"image": "cat.jpg"}, 'invalid input "image": expected a file as @PATH, or a URL'),
        ({"frames": ["cat.jpg"]}, 'invalid input "frames": expected a file as @PATH, or a URL'),
    ],
)
def test_an_input_that_does_not_fit_is_named_with_the_reason(values, message):
    assert refusal(values).message == message


def test_several_problems_are_told_at_once():
    schema = InputSchema(
        document({"a": {"type": "integer"}, "b": {"type": "string"}}, required=["a", "b"]),
        "predict",
    )

    assert refusal({"a": "x", "c": 1}, schema).message == (
        "input validation failed:\n"
        '- invalid input "a": expected integer, got string\n'
        '- unknown input "c"; valid inputs are: a, b\n'
        '- missing required input "b"'
    )


def test_a_missing_file_input_hints_at_how_files_are_given():
    schema = InputSchema(
        document({"image": {"type": "string", "format": "uri"}}, required=["image"]), "predict"
    )

    error = refusal({}, schema)

    assert error.message == 'missing required input "image"'
    assert error.hint == "Give it with `-i image=@PATH`"


@pytest.mark.parametrize(
    ("values", "meant"),
    [
        ({"image": "cat.jpg"}, "image=@cat.jpg"),
        ({"frames": ["data:,", "cat.jpg"]}, "frames=@cat.jpg"),
        ({"frames": ["@cat.jpg"]}, "frames=@cat.jpg"),
    ],
)
def test_a_path_that_is_not_read_as_a_file_is_pointed_out(values, meant):
    """In JSON an @ inside a list is not read either, as in Cog."""
    assert refusal(values).hint == f"Put an @ before the path of a file: `-i {meant}`"


def test_a_model_without_inputs_says_so():
    schema = InputSchema(document({}), "predict")

    assert refusal({"x": 1}, schema).message == 'unknown input "x"; model does not accept inputs'


def test_a_training_is_checked_against_its_own_inputs():
    whole = document({"text": {"type": "string"}})
    whole["components"]["schemas"]["TrainingInput"] = document({"steps": {"type": "integer"}})[
        "components"
    ]["schemas"]["Input"]

    check_inputs({"steps": 3}, InputSchema(whole, "train"))
