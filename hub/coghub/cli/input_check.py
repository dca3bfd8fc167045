"""Whether inputs fit the model, told before anything starts.

The short rules (known, present, of the right type, among the choices) have texts of their own;
whatever else the schema says is checked, and worded, by the validator that the server uses too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from coghub.cli.input_schema import InputSchema, Schema, is_file, types_of
from coghub.domain.errors import InputInvalid

URL_SCHEMES = ("http://", "https://", "data:")

_TYPE_NAMES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    type(None): "null",
}


def check_inputs(values: Mapping[str, Any], schema: InputSchema) -> None:
    """Do nothing if the inputs fit.

    Raises:
        InputInvalid: naming every input that does not.
    """
    problems = list(_problems(values, schema))
    if not problems:
        return
    message = problems[0]
    if len(problems) > 1:
        message = "input validation failed:\n" + "\n".join(f"- {problem}" for problem in problems)
    raise InputInvalid(message, _hint(values, schema))


def _problems(values: Mapping[str, Any], schema: InputSchema) -> Iterator[str]:
    judged = set[str]()
    for name, value in values.items():
        problem = _problem(name, value, schema)
        if problem:
            judged.add(name)
            yield problem
    for name in schema.required:
        if name not in values:
            judged.add(name)
            yield f'missing required input "{name}"'
    yield from _violations(values, schema, judged)


def _problem(name: str, value: Any, schema: InputSchema) -> str | None:
    rules = schema.properties.get(name)
    if rules is None:
        return f'unknown input "{name}"; {_valid_names(schema)}'
    if value is None and types_of(rules) and not rules.get("nullable"):
        return f'invalid input "{name}": must not be null (omit the input to use its default)'
    reason = None if value is None else _mismatch(value, rules)
    return f'invalid input "{name}": {reason}' if reason else None


def _valid_names(schema: InputSchema) -> str:
    if not schema.properties:
        return "model does not accept inputs"
    return f"valid inputs are: {', '.join(schema.properties)}"


def _mismatch(value: Any, rules: Schema) -> str | None:
    types = types_of(rules)
    actual = json_type(value)
    fits = actual in types or (actual == "integer" and "number" in types) or not types
    if not fits and not (isinstance(value, float) and value.is_integer() and "integer" in types):
        return f"expected {' or '.join(types)}, got {actual}"
    choices = rules.get("enum")
    if choices and value not in choices:
        return f"must be one of: {', '.join(str(choice) for choice in choices)}"
    if _path_for_file(value, rules) is not None:
        return "expected a file as @PATH, or a URL"
    return None


def _path_for_file(value: Any, rules: Schema) -> str | None:
    """Return the first text, also in a list, that stands where a file belongs and is no URL."""
    if isinstance(value, list):
        paths = (_path_for_file(item, rules.get("items", {})) for item in value)
        return next((path for path in paths if path is not None), None)
    is_path = is_file(rules) and isinstance(value, str) and not value.startswith(URL_SCHEMES)
    return value if is_path else None


def json_type(value: Any) -> str:
    """Return the JSON Schema name of a value's type."""
    return _TYPE_NAMES.get(type(value), "object")


def _violations(values: Mapping[str, Any], schema: InputSchema, judged: set[str]) -> Iterator[str]:
    """Yield what the whole JSON Schema finds in inputs that nothing was said of yet."""
    import jsonschema_rs  # noqa: PLC0415 - not needed by most commands

    validator = jsonschema_rs.Draft7Validator(schema.json_schema, validate_formats=False)
    for error in validator.iter_errors(dict(values)):
        place = [str(part) for part in error.instance_path]
        if place and place[0] not in judged:
            yield f'invalid input "{".".join(place)}": {error.message}'


def _hint(values: Mapping[str, Any], schema: InputSchema) -> str | None:
    for name, value in values.items():
        path = _path_for_file(value, schema.properties.get(name, {}))
        if path is not None:
            return f"Put an @ before the path of a file: `-i {name}=@{path.removeprefix('@')}`"
    missing = [name for name in schema.required if name not in values]
    if not missing:
        return None
    mark = "@" if is_file(schema.properties[missing[0]]) else ""
    return f"Give it with `-i {missing[0]}={mark}{'PATH' if mark else 'VALUE'}`"
