"""Checks inputs against the model's OpenAPI document, with Cog's wording.

A document is turned into an `InputSchema` once; the check of a valid input is one call.
"""

from collections.abc import Set
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from cog.server.errors import invalid, problem

Place = tuple[str | int, ...]
NO_NULLS: frozenset[str] = frozenset()
SCHEMES = ("http://", "https://", "data:")
MAX_MESSAGE_CHARACTERS = 2000
"""A message quotes the value, which may be a file of megabytes."""
NO_URL = "'{}' is not a valid URL scheme. 'data', 'http', or 'https' is supported."


class Checked(NamedTuple):
    """An input that may go to the worker."""

    input: dict[str, Any]
    files: list[Place]
    """Where in the input URLs of files stand, to be fetched."""
    stripped: list[str]
    """Fields that the model does not have; they are gone."""


class InputSchema:
    """What the model takes."""

    def __init__(self, document: dict[str, Any], *, component: str) -> None:
        components = document["components"]
        schema = components["schemas"][component]
        self._properties: dict[str, Any] = schema.get("properties", {})
        required = set(schema.get("required", ()))
        self._names = self._properties.keys()
        self._nullable = {name for name, it in self._properties.items() if it.get("nullable")}
        # None of these has another default than None, so null says the same as leaving it out.
        self._optional = {
            name
            for name, it in self._properties.items()
            if name not in required and "default" not in it
        } - self._nullable
        self._filled = [name for name in self._nullable if "default" not in self._properties[name]]
        self._file_fields = {
            name: kind for name, it in self._properties.items() if (kind := _file_kind(it))
        }
        self._validator = jsonschema_rs.Draft202012Validator(
            {"$ref": f"#/components/schemas/{component}", "components": components}
        )

    def check(self, given: Any) -> Checked:
        """Return the input as the worker takes it, which may be the given object itself.

        Raises:
            Refusal: 422 with everything that is wrong.
        """
        given = dict[str, Any]() if given is None else given
        if not isinstance(given, dict):
            raise invalid(self._problems(given, NO_NULLS))
        stripped: list[str] = []
        if not given.keys() <= self._names:
            stripped = [name for name in given if name not in self._names]
        kept = {name: given[name] for name in given if name in self._names} if stripped else given
        if None in kept.values():
            nulls = {name for name, it in kept.items() if it is None}
            accepted = nulls & (self._nullable | self._optional)
            kept = {name: it for name, it in kept.items() if name not in accepted}
            self._validate(kept, accepted)
            kept |= dict.fromkeys(accepted & self._nullable)
        else:
            self._validate(kept, NO_NULLS)
        files = self._files(kept) if self._file_fields else []
        for name in self._filled:
            kept.setdefault(name, None)
        return Checked(kept, files, stripped)

    def _validate(self, kept: dict[str, Any], accepted_nulls: Set[str]) -> None:
        try:
            if self._validator.is_valid(kept):
                return
            problems = self._problems(kept, accepted_nulls)
        except ValueError as error:  # nested more deeply than the validator goes
            raise invalid([problem(str(error), "input", "__root__")]) from error
        if problems:
            raise invalid(problems)

    def _problems(self, given: Any, accepted_nulls: Set[str]) -> list[dict[str, Any]]:
        found = []
        for error in self._validator.iter_errors(given):
            if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
                name = str(error.kind.property)
                if error.instance_path or name not in accepted_nulls:
                    field = _field([*error.instance_path, name])
                    found.append(
                        problem("Field required", "input", field, kind="value_error.missing")
                    )
            else:
                found.append(problem(_message(error), "input", _field(error.instance_path)))
        return sorted(found, key=lambda it: it["loc"])

    def _files(self, kept: dict[str, Any]) -> list[Place]:
        places: list[Place] = []
        problems = []
        for name, kind in self._file_fields.items():
            for place, value in _strings(name, kept.get(name)):
                if value.startswith(SCHEMES):
                    places.append(place)
                elif not kind.may_be_text:
                    scheme = value.partition(":")[0] if ":" in value else ""
                    problems.append(problem(NO_URL.format(scheme), "input", _field(place)))
        if problems:
            raise invalid(problems)
        return places


class _FileKind(NamedTuple):
    """How files may stand in a field."""

    may_be_text: bool
    """A string that is no URL is just that: the field takes text as well."""


def _file_kind(schema: dict[str, Any]) -> _FileKind | None:
    """Say how a property takes files; None if it takes none.

    `format: uri` marks what is annotated Path or File, and nothing else.
    """
    variants = [it for variant in schema.get("anyOf", [schema]) for it in _with_items(variant)]
    if not any(it.get("format") == "uri" for it in variants):
        return None
    plain = (it for it in variants if it.get("type") == "string" and it.get("format") != "uri")
    return _FileKind(may_be_text=any(True for _ in plain))


def _with_items(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema, or the schemas of its items if it is that of a list."""
    items = schema.get("items")
    return [schema] if not isinstance(items, dict) else list(items.get("anyOf", [items]))


def _strings(name: str, value: Any) -> list[tuple[Place, str]]:
    if isinstance(value, str):
        return [((name,), value)]
    if isinstance(value, list):
        return [((name, index), it) for index, it in enumerate(value) if isinstance(it, str)]
    return []


def _field(path: Any) -> str:
    return "/".join(str(it) for it in path) or "__root__"


def _message(error: Any) -> str:
    """Return Cog's text, which is this validator's but for how choices are listed."""
    message = str(error.message)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Enum):
        before, _, _ = message.rpartition(" is not one of ")
        options = msgspec.json.encode(error.kind.options).decode()
        message = f"{before} is not one of {options}"
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = (
            f"{message[: MAX_MESSAGE_CHARACTERS // 2]}…{message[-MAX_MESSAGE_CHARACTERS // 2 :]}"
        )
    return message
