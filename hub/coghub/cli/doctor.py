"""`cog doctor`: what is wrong with a project, and what can be mended."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from coghub.build.doctor.examination import (
    FIXES,
    SAFE_FIXES,
    Repair,
    examine,
    findings_of,
    repairs,
)
from coghub.build.doctor.findings import Finding, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.output import Console

ALL = "all"
GROUPS = {Level.ERROR: "Errors", Level.WARNING: "Warnings", Level.INFO: "Notes"}


@click.command("doctor")
@options.config_file
@click.option(
    "--fix", "wanted", is_flag=False, flag_value=ALL, metavar="[CHECK]",
    type=click.Choice([ALL, *FIXES]),
    help=f"Mend what is safe to mend, or only what one CHECK found: {', '.join(FIXES)}.",
)  # fmt: skip
@click.pass_obj
def command(invocation: Invocation, *, config_name: str, wanted: str | None) -> None:
    """Say what is wrong with the project: cog.yaml, code, requirements, files, this machine.

    Nothing of the project is run. The exit code is 1 if there are errors; warnings leave it 0.

    With --fix, changes are printed to stdout as a diff. A change after which the project would be
    worse is taken back. `--fix predict-to-run-migration` moves predict.py to the newer spelling,
    which no other call does: both are equal here.
    """
    console = invocation.console
    console.say("NOTE: cog doctor is experimental. Its checks and texts may change.")
    console.say("Running cog doctor...")
    project = examine(config_name, Path.cwd(), invocation.settings)
    findings = [project] if isinstance(project, Finding) else _mended(console, project, wanted)
    _show(console, findings)
    if any(finding.level is Level.ERROR for finding in findings):
        sys.exit(1)


def _mended(console: Console, project: ExaminedProject, wanted: str | None) -> list[Finding]:
    """Make the fixes that are wanted, and return what is left."""
    names = [] if wanted is None else [*SAFE_FIXES] if wanted == ALL else [wanted]
    for repair in repairs(project, names):
        _tell(console, repair)
    left = ExaminedProject(project.folder, project.config_name, project.settings)
    return findings_of(left, wanted)


def _tell(console: Console, repair: Repair) -> None:
    shown = ", ".join(repair.descriptions)
    if repair.fault is not None:
        console.warn(f"Not fixed: {shown}: {repair.fault}")
        return
    for change in repair.changes:
        console.result(change.diff())
    for description in repair.descriptions:
        console.say(f"Fixed: {description}")


def _show(console: Console, findings: Sequence[Finding]) -> None:
    for level, title in GROUPS.items():
        group = [finding for finding in findings if finding.level is level]
        if group:
            console.say(f"\n{title}")
        for finding in group:
            _show_one(console, finding)
    counts = _counts(findings)
    console.say("")
    if counts:
        console.say(counts)
        return
    with console.step("no issues found") as step:
        step.succeed()


def _show_one(console: Console, finding: Finding) -> None:
    place = f"{finding.place}: " if finding.place else ""
    console.say(_printable(f"  {place}{finding.message} [{finding.check}]"))
    if finding.hint:
        console.say(_printable(f"    Remediation: {finding.hint}"))


def _printable(text: str) -> str:
    """Return a line without what a terminal would take for a command."""
    return "".join(it if it.isprintable() else "?" for it in text)


def _counts(findings: Iterable[Finding]) -> str:
    """Return how many errors and warnings there are; "" if there are none."""
    levels = [finding.level for finding in findings]
    words = {Level.ERROR: "error", Level.WARNING: "warning"}
    parts = [
        f"{levels.count(level)} {word}{'' if levels.count(level) == 1 else 's'}"
        for level, word in words.items()
        if level in levels
    ]
    return f"found {', '.join(parts)}" if parts else ""
