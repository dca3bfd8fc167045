"""`cog test`: the tests of the project here, against its model."""

import secrets
from pathlib import Path
from typing import Any

import click

from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.projects import project_here
from coghub.cli.trial.fuzzing import Fuzz
from coghub.cli.trial.session import (
    DEFAULT_TIMEOUT_S,
    Run,
    Wanted,
    no_tests,
    recorded,
    run_tests,
    suite_of,
)
from coghub.domain.errors import UsageError
from coghub.engines.base import Launch

SEEDS = 2**31
"""Enough, and short to type again."""


@click.command("test")
@click.option("-k", "--only", "words", metavar="TEXT", help="Tests with this text in their name.")
@click.option("--record", "new_name", metavar="NAME", help="Run a prediction; add it as a test.")
@options.inputs
@click.option("--fuzz", "fuzz_count", type=click.IntRange(1), metavar="N",
              help="Also run N predictions of inputs drawn from the schema.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), metavar="SEED", help="Draw the same inputs again.")
@click.option("--against", metavar="NAME",
              help="Compare with a bundle, or with [HOST/]OWNER/MODEL[:VERSION].")  # fmt: skip
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Also write the results to FILE, as JUnit XML.")  # fmt: skip
@click.option("--timeout", type=options.Seconds(min=0, min_open=True), metavar="SECONDS",
              default=DEFAULT_TIMEOUT_S, show_default=True,
              help="Longest time for one prediction.")  # fmt: skip
@options.variables
@options.gpus
@options.setup_timeout
@options.config_file
@options.preparing
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    words: str | None,
    new_name: str | None,
    flags: tuple[str, ...],
    fuzz_count: int | None,
    seed: int | None,
    against: str | None,
    junit: Path | None,
    timeout: float,
    variables: tuple[str, ...],
    gpus: str | None,
    setup_timeout: float,
    config_name: str,
    **flags_of_build: Any,
) -> None:
    """Run the tests in cog.test.yaml, or under `tests` in cog.yaml, on one running model.

    Each says what goes in and what has to come out.

    \b
    cog test --record greets -i text=world
    cog test
    cog test --fuzz 50
    """  # noqa: D301 - the backspace is click's mark
    is_recording = new_name is not None
    if is_recording and (fuzz_count or against or words or junit):
        raise UsageError("--record goes with -i, and not with what runs tests")
    if flags and not is_recording:
        raise UsageError("-i goes with --record; a test's own inputs stand in its file")
    environment = options.environment_of(variables, invocation.settings.environ)
    project = project_here(config_name, invocation.console)
    suite = suite_of(project, config_name)
    wanted = Wanted(
        launch=Launch("predict", environment, gpus, is_debug=invocation.is_debug),
        cases=tuple(it for it in suite.cases if not words or words in it.name),
        fuzz=_fuzz(fuzz_count, seed),
        against=against,
        timeout_s=timeout,
        setup_timeout_s=setup_timeout,
        junit=_writable(junit),
        preparation=options.preparation_of(invocation, flags_of_build),
    )
    if new_name is not None:
        recorded(invocation, project, wanted, suite, Run(new_name, flags))
        return
    if not wanted.is_empty:
        run_tests(invocation, project, wanted)
    elif suite.cases:
        raise UsageError(f"No test has this in its name: {words}")
    else:
        raise no_tests(suite)


def _fuzz(count: int | None, seed: int | None) -> Fuzz | None:
    if count is None and seed is not None:
        raise UsageError("--seed goes with --fuzz")
    if count is None:
        return None
    return Fuzz(count, secrets.randbelow(SEEDS) if seed is None else seed)


def _writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before a long test is lost."""
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"No folder for the results: {path}")
    return path
