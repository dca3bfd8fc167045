"""The parts of a plan that change a whole machine: `build.run` and `system_packages`.

Without Docker they are told about and not applied, unless the user asks for it.
"""

import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from coghub.build import machine
from coghub.build.cog_yaml import Command
from coghub.build.events import Notice, Progress, Report, Step
from coghub.build.interrupts import uninterrupted
from coghub.build.lifeline import Lifeline
from coghub.build.plan import Plan
from coghub.domain.errors import CommandFailed, ConfigInvalid

LAST_LINES = 20
SHOWN_CHARACTERS = 60


def check_lines(plan: Plan) -> None:
    """Refuse a command of several lines, which cannot be a step of an image.

    Raises:
        ConfigInvalid: with Cog's own text.
    """
    for command in plan.run:
        if "\n" in command.command.strip():
            raise ConfigInvalid(
                "One of the commands in 'run' contains a new line, which won't work."
                " Write one item for each line, or join them with && on one line."
                f"\n\nThis is the offending line: {command.command}"
            )


def tell_not_applied(plan: Plan, report: Report) -> None:
    """Report in one line each what an engine without containers leaves out."""
    if plan.run:
        report(Notice(f"Not applied: build.run ({len(plan.run)}); apply with --run-commands"))
    missing = machine.missing_packages(plan.system_packages)
    if missing:
        report(Notice(f"Not applied: build.system_packages; not installed: {' '.join(missing)}"))


def run(plan: Plan, folder: Path, environ: Mapping[str, str], report: Report) -> None:
    """Install the system packages where that is possible, then run the commands in order.

    Raises:
        CommandFailed: with the end of what the command printed.
    """
    variables = {
        **environ,
        **plan.environment,
        "VIRTUAL_ENV": str(folder),
        "PATH": f"{folder / 'bin'}:{environ.get('PATH', '')}",
    }
    variables.pop("PYTHONHOME", None)
    for command in [*_package_command(plan, environ, report), *plan.run]:
        _run_one(command, folder, variables, report)


def _package_command(plan: Plan, environ: Mapping[str, str], report: Report) -> list[Command]:
    missing = machine.missing_packages(plan.system_packages)
    if not missing:
        return []
    if os.geteuid() != 0 or not shutil.which("apt-get", path=environ.get("PATH")):
        report(Notice(f"Not applied: build.system_packages; not installed: {' '.join(missing)}"))
        return []
    names = " ".join(missing)
    return [Command(f"apt-get update -qq && apt-get install -qqy --no-install-recommends {names}")]


def _run_one(command: Command, folder: Path, variables: Mapping[str, str], report: Report) -> None:
    shown = command.command.strip().partition("\n")[0][:SHOWN_CHARACTERS]
    report(Step(f"Running {shown}"))
    if command.mounts:
        report(Notice(f"Secrets are not mounted by the local engine: {shown}"))
    last = deque[str](maxlen=LAST_LINES)
    with uninterrupted():
        lifeline = Lifeline()
        process = subprocess.Popen(
            ["/bin/sh", "-c", command.command],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        lifeline.guard(process.pid)
    with process:
        try:
            for line in process.stdout or ():
                last.append(line.rstrip())
                report(Progress(line.rstrip()))
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            lifeline.close()
    if process.returncode:
        raise CommandFailed(
            "\n  ".join([f"A command of build.run failed ({process.returncode}): {shown}", *last])
        )
