"""Another version of the model, as what this one is compared with."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coghub.build.schema_changes import breaking_changes
from coghub.cli.invocation import Invocation
from coghub.cli.projects import project_named
from coghub.cli.trial.cases import Case
from coghub.cli.trial.likeness import Likeness
from coghub.cli.trial.outcome import End, Outcome
from coghub.cli.trial.result import Result
from coghub.cli.trial.subject import Subject
from coghub.engines.base import Project

KIND = "against"
_VERSION = re.compile(r"(?P<model>[^@]+):(?P<digest>[0-9a-f]{64})")
"""A version as hubs write it; in a registry it is a digest."""


@dataclass
class Baseline:
    """What the other version answers."""

    name: str
    subject: Subject
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def learn(self, cases: Iterable[Case], timeout_of: Callable[[Case], float]) -> None:
        """Ask it for the inputs of all tests."""
        for case in cases:
            self.outcomes[case.name] = self.subject.ask(case.inputs, timeout_of(case))

    def schema_result(self, document: Mapping[str, Any]) -> Result:
        """Return whether who uses the other version can use this one."""
        changes = breaking_changes(self.subject.document, document)
        return Result(f"schema, against {self.name}", tuple(changes), kind=KIND)

    def result(self, case: Case, outcome: Outcome) -> Result:
        """Return whether this version answers as the other does."""
        likeness = Likeness(case.tolerance, by_pixels=True)
        reason = _difference(self.outcomes[case.name], outcome, likeness)
        name = f"{case.name}, against {self.name}"
        return Result(name, (reason,) if reason else (), kind=KIND)


def baseline_of(
    invocation: Invocation, name: str, opened: Callable[[Project], Subject]
) -> Baseline:
    """Return a version by its name: an image, a bundle here, or one to be fetched.

    Raises:
        CoghubError: if there is none, or it cannot be fetched.
    """
    version = _VERSION.fullmatch(name)
    reference = f"{version['model']}@sha256:{version['digest']}" if version else name
    return Baseline(name, opened(project_named(reference, invocation)))


def _difference(theirs: Outcome, ours: Outcome, likeness: Likeness) -> str | None:
    if theirs.end is not ours.end:
        return f"there {theirs.story}; here {ours.story}"
    if theirs.end is not End.SUCCEEDED:
        return None
    return likeness.difference(theirs.output, ours.output)
