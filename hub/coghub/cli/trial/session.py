"""All that `cog test` was asked for, on one running model.

1. With `--against`, the other version answers the tests' inputs, and ends.
2. The model answers the tests, each in turn.
3. Its answers are held against the other version's, and its schema too.
4. With `--fuzz`, it answers inputs drawn from its schema.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from coghub.build.config import find_config
from coghub.build.files import write_atomically
from coghub.cli.input_check import check_inputs
from coghub.cli.input_text import inputs_of_flags
from coghub.cli.invocation import Invocation
from coghub.cli.options import DEFAULT_SETUP_TIMEOUT_S
from coghub.cli.prediction import prepare, read_interface
from coghub.cli.projects import require_reference
from coghub.cli.shown_weights import shown_in
from coghub.cli.trial.against import Baseline, baseline_of
from coghub.cli.trial.cases import Case, Suite, read_suite
from coghub.cli.trial.expectations import unmet
from coghub.cli.trial.fuzzing import Fuzz, Fuzzing
from coghub.cli.trial.junit import junit_xml
from coghub.cli.trial.outcome import End, Outcome, shown
from coghub.cli.trial.result import Result, say_line, tell, tell_sum
from coghub.cli.trial.subject import Subject
from coghub.domain.errors import CoghubError, ExpectationsUnmet, InstanceError, UsageError
from coghub.engines.base import NO_PREPARATION, Launch, Preparation, Project

DEFAULT_TIMEOUT_S = 300.0
"""For one prediction."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is tried, and how the model is started for it."""

    launch: Launch
    cases: tuple[Case, ...] = ()
    fuzz: Fuzz | None = None
    against: str | None = None
    """The name of another version."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    setup_timeout_s: float = DEFAULT_SETUP_TIMEOUT_S
    junit: Path | None = None
    preparation: Preparation = NO_PREPARATION
    is_result: bool = True
    """Whether the lines are what the command is for, and so go to stdout."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is tried."""
        return not self.cases and self.fuzz is None and self.against is None

    def timeout_of(self, case: Case) -> float:
        """Return the longest time for a test, in seconds."""
        return self.timeout_s if case.timeout_s is None else case.timeout_s


@dataclass(frozen=True, slots=True)
class Run:
    """One that becomes a test."""

    name: str
    flags: tuple[str, ...]
    """What stands after each `-i`."""


def suite_of(project: Project, config_name: str) -> Suite:
    """Return the tests of a project.

    Raises:
        ConfigInvalid: with one line for each mistake.
    """
    return read_suite(find_config(config_name, project.folder), project.folder)


def no_tests(suite: Suite) -> UsageError:
    """Return what is said where there is none."""
    return UsageError(
        f"This project has no tests: there are none in {suite.path.name}",
        hint="Make one of a run: `cog test --record NAME -i name=value`",
    )


def recorded(
    invocation: Invocation, project: Project, wanted: Wanted, suite: Suite, run: Run
) -> None:
    """Run one prediction, and add it to the tests.

    Raises:
        InputInvalid: if an input does not fit.
        InstanceError: if it has no end that a test could expect.
    """
    from coghub.cli.trial.recording import record, require_new  # noqa: PLC0415 - brings YAML

    require_new(suite, run.name)
    require_reference(project, wanted.launch.mode)
    console = invocation.console
    with ExitStack() as stack:
        subject = opened(invocation, project, wanted, stack)
        inputs = inputs_of_flags(run.flags, subject.schema.properties)
        check_inputs(inputs.values, subject.schema)
        outcome = subject.ask(inputs, wanted.timeout_s)
    if not outcome.is_clean or outcome.end is End.REFUSED:
        console.log(outcome.logs.encode())
        raise InstanceError(f"Not recorded: {outcome.story}")
    for name in inputs.values:
        if subject.schema.properties[name].get("format") == "password":
            console.warn(f"The test holds the secret input `{name}` as it was given")
    for path in record(suite, project.folder, run.name, inputs, outcome):
        console.say(f"Written {path.relative_to(project.folder)}")
    told = shown(outcome.output) if outcome.end is End.SUCCEEDED else outcome.story
    console.result(f"{run.name}: {told}\n")


def run_tests(invocation: Invocation, project: Project, wanted: Wanted) -> None:
    """Try all that is wanted, and tell of each thing as it comes.

    Raises:
        ExpectationsUnmet: if one did not pass.
        CoghubError: if the model cannot be made or started; whatever was started has ended by then.
    """
    require_reference(project, wanted.launch.mode)
    results: list[Result] = []

    def take(result: Result) -> None:
        results.append(result)
        tell(invocation.console, result, is_result=wanted.is_result)

    try:
        _try_all(invocation, project, wanted, take)
    except CoghubError as error:
        results.append(Result("start", (error.message,), kind="start"))
        raise
    finally:
        if wanted.junit is not None:
            write_atomically(wanted.junit, junit_xml(project.folder.name, results))
    tell_sum(invocation.console, results, is_result=wanted.is_result)
    failed = sum(not result.has_passed for result in results)
    if failed:
        raise ExpectationsUnmet(f"{failed} of {len(results)} did not pass")


def opened(invocation: Invocation, project: Project, wanted: Wanted, stack: ExitStack) -> Subject:
    """Return a model that is ended with the stack; nothing is started yet."""
    weights = stack.enter_context(shown_in(invocation, project))
    launch = replace(wanted.launch, weights=weights)
    prepared = prepare(invocation, project, wanted.preparation)
    document = read_interface(prepared, launch, invocation.console)
    subject = Subject(prepared, launch, document, invocation.console, wanted.setup_timeout_s)
    return stack.enter_context(subject)


def _try_all(
    invocation: Invocation, project: Project, wanted: Wanted, take: Callable[[Result], None]
) -> None:
    baseline = None
    if wanted.against is not None:
        with ExitStack() as stack:
            baseline = baseline_of(
                invocation, wanted.against, lambda other: opened(invocation, other, wanted, stack)
            )
            baseline.learn(wanted.cases, wanted.timeout_of)
    with ExitStack() as stack:
        subject = opened(invocation, project, wanted, stack)
        if baseline is not None:
            take(baseline.schema_result(subject.document))
        for case in wanted.cases:
            for result in _tried(subject, case, wanted, baseline):
                take(result)
        if wanted.fuzz is not None:
            fuzzing = Fuzzing(subject, wanted.fuzz)
            for result in fuzzing.results(wanted.timeout_s):
                take(result)
            say_line(invocation.console, fuzzing.sum, is_result=wanted.is_result)


def _tried(
    subject: Subject, case: Case, wanted: Wanted, baseline: Baseline | None
) -> Sequence[Result]:
    outcome = subject.ask(case.inputs, wanted.timeout_of(case))
    results = [_verdict(case, outcome)]
    if baseline is not None:
        results.append(baseline.result(case, outcome))
    return results


def _verdict(case: Case, outcome: Outcome) -> Result:
    reasons = tuple(unmet(case.expectations, outcome))
    return Result(case.name, reasons, outcome.logs, outcome.duration_s)
