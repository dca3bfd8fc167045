"""Checks inputs against the model's OpenAPI document, with Cog's wording.

A document is turned into an `InputSchema` once; the check of a valid input is one call.
"""

from collections.abc import Set
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from cog.server.dialect import Warn, translate
from cog.server.errors import invalid, problem
from cog.server.file_places import FilePlaces, Place, field

NO_OBJECT = 'The input is not of type "object"'
NO_NULLS: frozenset[str] = frozenset()
MAX_MESSAGE_CHARACTERS = 2000
"""A message quotes the value, which may be a file of megabytes."""


class Checked(NamedTuple):
    """An input that may go to the worker."""

    input: dict[str, Any]
    files: list[Place]
    """Where in the input URLs of files stand, to be fetched."""
    stripped: list[str]
    """Fields that the model does not have; they are gone."""


class InputSchema:
    """What the model takes."""

    def __init__(self, document: dict[str, Any], *, component: str, warn: Warn) -> None:
        schemas = document["components"]["schemas"]
        schema = schemas[component]
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
        self._files = FilePlaces(schema, schemas) or None
        self._validator = jsonschema_rs.Draft202012Validator(
            {
                "$ref": f"#/components/schemas/{component}",
                "components": {"schemas": translate(schemas, inputs=component, warn=warn)},
            }
        )

    def check(self, given: Any) -> Checked:
        """Return the input as the worker takes it, which may be the given object itself.

        Raises:
            Refusal: 422 with everything that is wrong.
        """
        given = dict[str, Any]() if given is None else given
        if not isinstance(given, dict):
            self._validate(given, NO_NULLS)
            raise invalid([problem(NO_OBJECT, "input", "__root__")])
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
        files = self._files.find(kept) if self._files else []
        for name in self._filled:
            kept.setdefault(name, None)
        return Checked(kept, files, stripped)

    def _validate(self, kept: Any, accepted_nulls: Set[str]) -> None:
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
                    place = field([*error.instance_path, name])
                    found.append(
                        problem("Field required", "input", place, kind="value_error.missing")
                    )
            else:
                found.append(problem(_message(error), "input", field(error.instance_path)))
        return sorted(found, key=lambda it: it["loc"])


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
