"""Whether a model stands what it may be sent: inputs drawn from its schema, answered cleanly.

An output that fits the schema is an answer, and so is an error with a text. What does not fit the
schema has to be refused. A dead worker, a hang and an answer that is none are faults of the model.
"""

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from coghub.cli.input_schema import InputSchema
from coghub.cli.trial.draws import drawn
from coghub.cli.trial.outcome import End, Outcome, shortened
from coghub.cli.trial.result import Result
from coghub.cli.trial.subject import Subject

KIND = "fuzz"
OBJECT_KEYS = frozenset({"properties", "additionalProperties"})
"""What a schema says of an object that is one."""
MAX_COMMAND_CHARACTERS = 500
"""Longer inputs are had again by their seed alone."""


@dataclass(frozen=True, slots=True)
class Fuzz:
    """How many inputs are drawn, and from which seed."""

    count: int
    seed: int


class Fit:
    """Tells whether values fit the inputs, and outputs the output, of a document."""

    def __init__(self, document: Mapping[str, Any], schema: InputSchema) -> None:
        self._schema = schema
        self._inputs = _validator(schema)
        schemas = document.get("components", {}).get("schemas", {})
        # Read as an input is, by the same rules.
        as_input = {**schemas, "Input": schemas.get("Output", {})}
        opened = {"components": {"schemas": _opened(as_input)}}
        self._output = _validator(InputSchema(opened, "predict"))

    def misfit(self, values: Mapping[str, Any]) -> str | None:
        """Return why inputs do not fit; None if a server has to take them.

        A null for what is optional says the same as leaving it out.
        """
        optional = self._schema.properties.keys() - set(self._schema.required)
        given = {k: v for k, v in values.items() if v is not None or k not in optional}
        return _first_error(self._inputs, given)

    def output_misfit(self, output: Any) -> str | None:
        """Return why an output does not fit; None if it does."""
        return _first_error(self._output, output)


class Fuzzing:
    """The draws of one seed, put to a model one after the other."""

    def __init__(self, subject: Subject, fuzz: Fuzz) -> None:
        self._subject = subject
        self._fuzz = fuzz
        self._ends: Counter[End] = Counter()

    def results(self, timeout_s: float) -> Iterator[Result]:
        """Yield what came of each draw."""
        schema = self._subject.schema
        fit = Fit(self._subject.document, schema)
        for number in range(1, self._fuzz.count + 1):
            values = drawn(schema, f"{self._fuzz.seed}:{number}")
            outcome = self._subject.send(values, timeout_s)
            self._ends[outcome.end] += 1
            reason = fault(fit, values, outcome)
            reasons = (reason, *_again(values, number, self._fuzz.seed)) if reason else ()
            yield Result(f"fuzz {number}", reasons, outcome.logs, outcome.duration_s, KIND)

    @property
    def sum(self) -> str:
        """How many ended how, and how to draw them again."""
        ends = ", ".join(f"{count} {end.value}" for end, count in self._ends.items())
        return f"fuzz: {self._fuzz.count} inputs drawn with --seed {self._fuzz.seed}: {ends}"


def fault(fit: Fit, values: Mapping[str, Any], outcome: Outcome) -> str | None:
    """Return why an outcome is no clean answer to these inputs; None if it is."""
    if not outcome.is_clean:
        return outcome.story
    misfit = fit.misfit(values)
    if outcome.end is End.REFUSED:
        return None
    if misfit:
        return f"an input that does not fit the schema was not refused: {misfit}"
    if outcome.end is End.FAILED:
        return None if outcome.error.strip() else "the prediction failed without a word"
    unfit = fit.output_misfit(outcome.raw)
    return f"the output does not fit the schema: {unfit}" if unfit else None


def _opened(node: Any) -> Any:
    """Return schemas in which an object without fields is anything: `Any` is written like that."""
    if isinstance(node, list):
        return [_opened(item) for item in node]
    if not isinstance(node, dict):
        return node
    is_any = node.get("type") == "object" and not node.keys() & OBJECT_KEYS
    return {key: _opened(it) for key, it in node.items() if not (is_any and key == "type")}


def _again(values: Mapping[str, Any], number: int, seed: int) -> Iterator[str]:
    yield f"again: cog test --fuzz {number} --seed {seed}"
    command = f"cog predict --json {shlex.quote(json.dumps(values))}"
    if len(command) <= MAX_COMMAND_CHARACTERS:
        yield f"alone: {command}"


def _validator(schema: InputSchema) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(schema.json_schema, validate_formats=False)


def _first_error(validator: jsonschema_rs.Draft7Validator, value: Any) -> str | None:
    try:
        error = next(validator.iter_errors(value), None)
    except ValueError as unreadable:
        return str(unreadable)
    if error is None:
        return None
    place = ".".join(str(part) for part in error.instance_path)
    text = shortened(error.message, keeps_end=True)
    return f"{place}: {text}" if place else text
