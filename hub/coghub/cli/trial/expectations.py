"""What a test may expect of a prediction: each says of an outcome why it is not met, or nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from coghub.cli.trial import pictures
from coghub.cli.trial.likeness import Likeness, image_difference
from coghub.cli.trial.outcome import AnyFile, End, Outcome, OutputFile, shown

EXACT = Likeness()


class Expectation(Protocol):
    """One thing that has to be so."""

    def unmet(self, outcome: Outcome) -> str | None:
        """Return why the outcome is not as expected; None if it is.

        All but `Fails` are asked of predictions that succeeded.
        """
        ...


@dataclass(frozen=True, slots=True)
class Equal:
    """The output is this value, or like it; with `is_subset` what is not named may be anything."""

    value: Any
    likeness: Likeness = EXACT

    def unmet(self, outcome: Outcome) -> str | None:
        return self.likeness.difference(self.value, outcome.output)


@dataclass(frozen=True, slots=True)
class Contains:
    """The output is a text with all of these in it, or a list that has each as an item."""

    values: tuple[Any, ...]

    def unmet(self, outcome: Outcome) -> str | None:
        output = outcome.output
        if not isinstance(output, (str, list)):
            return f"expected a text or a list, got {shown(output)}"
        missing = [value for value in self.values if not _holds(output, value)]
        return f"does not contain {shown(missing[0])}: {shown(output)}" if missing else None


@dataclass(frozen=True, slots=True)
class Matches:
    """The output is a text in which the pattern is found."""

    pattern: re.Pattern[str]

    def unmet(self, outcome: Outcome) -> str | None:
        output = outcome.output
        if not isinstance(output, str):
            return f"expected a text, got {shown(output)}"
        if self.pattern.search(output):
            return None
        return f"does not match {self.pattern.pattern}: {shown(output)}"


@dataclass(frozen=True, slots=True)
class Images:
    """The output is an image, or a list of them, near to these."""

    files: tuple[AnyFile, ...]
    tolerance: float

    def unmet(self, outcome: Outcome) -> str | None:
        given = files_of(outcome.output)
        if given is None or len(given) != len(self.files):
            return f"expected {_count(len(self.files), 'image')}, got {shown(outcome.output)}"
        for wanted, file in zip(self.files, given, strict=True):
            if reason := image_difference(wanted.content, file.content, self.tolerance):
                return reason
        return None


@dataclass(frozen=True, slots=True)
class PixelSize:
    """The output is an image, or a list of them, each so wide and so high."""

    width: int
    height: int

    def unmet(self, outcome: Outcome) -> str | None:
        given = files_of(outcome.output)
        if not given:
            return f"expected an image, got {shown(outcome.output)}"
        for file in given:
            size = pictures.size_of(file.content)
            if size != (self.width, self.height):
                got = f"{size[0]}x{size[1]}" if size else f"{file} that is no image"
                return f"expected {self.width}x{self.height} pixels, got {got}"
        return None


@dataclass(frozen=True, slots=True)
class Between:
    """A number that is at least one, and at most another."""

    least: int
    most: int

    def __contains__(self, number: int) -> bool:
        return self.least <= number <= self.most

    def __str__(self) -> str:
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class FileSize:
    """The output is a file, or a list of them, each of so many bytes."""

    allowed: Between

    def unmet(self, outcome: Outcome) -> str | None:
        given = files_of(outcome.output)
        if not given:
            return f"expected a file, got {shown(outcome.output)}"
        wrong = [len(file.content) for file in given if len(file.content) not in self.allowed]
        return f"expected {self.allowed} bytes, got {wrong[0]}" if wrong else None


@dataclass(frozen=True, slots=True)
class Length:
    """The output has so many characters, items or fields."""

    allowed: Between

    def unmet(self, outcome: Outcome) -> str | None:
        output = outcome.output
        if not isinstance(output, (str, list, dict)):
            return f"expected something with a length, got {shown(output)}"
        if len(output) in self.allowed:
            return None
        return f"expected a length of {self.allowed}, got {len(output)}"


@dataclass(frozen=True, slots=True)
class Fails:
    """The prediction fails, or its input is refused, and the error has this text in it."""

    text: str = ""

    def unmet(self, outcome: Outcome) -> str | None:
        if outcome.end is End.SUCCEEDED:
            return f"expected a failure, got {shown(outcome.output)}"
        if outcome.end not in (End.FAILED, End.REFUSED):
            return outcome.story
        if self.text in outcome.error:
            return None
        return f"expected an error with {shown(self.text)}, got {shown(outcome.error)}"


def unmet(expectations: Sequence[Expectation], outcome: Outcome) -> list[str]:
    """Return why an outcome is not as all of them want; without any it has to be a success."""
    is_failure_wanted = any(isinstance(it, Fails) for it in expectations)
    if outcome.end is not End.SUCCEEDED and not is_failure_wanted:
        return [outcome.story]
    reasons = (it.unmet(outcome) for it in expectations)
    return [reason for reason in reasons if reason]


def files_of(output: Any) -> list[OutputFile] | None:
    """Return the files that an output is; None if it is something else."""
    files = output if isinstance(output, list) else [output]
    if not all(isinstance(file, OutputFile) for file in files):
        return None
    return list(files)


def _holds(output: str | list[Any], value: Any) -> bool:
    if isinstance(output, str):
        return isinstance(value, str) and value in output
    return any(EXACT.difference(value, item) is None for item in output)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
