"""The name of an environment: everything that decides what would be installed in it, hashed."""

import hashlib
import json
import re
from dataclasses import asdict

from coghub.build.index import IndexSettings
from coghub.build.interpreter_probe import Interpreter
from coghub.build.plan import Plan
from coghub.build.requirement_lines import name_of, normalised

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def key_of(
    plan: Plan, interpreter: Interpreter, index: IndexSettings, *, run_commands: bool
) -> str:
    """Return such as "3.12.1-5f2b0c9de1a47c33"; `index` is the project's over the machine's."""
    parts = {
        "format": plan.format,
        "version": interpreter.version,
        "platform": interpreter.platform,
        "requirements": sorted({canonical(line) for line in plan.requirements}),
        "constraints": sorted({canonical(line) for line in plan.constraints}),
        "if_missing": plan.if_missing,
        "local_packages": dict(plan.local_packages),
        "lock": plan.lock,
        "index": asdict(index),
        "commands": [command.command for command in plan.run] if run_commands else None,
    }
    text = json.dumps(parts, sort_keys=True)
    return f"{interpreter.version}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def canonical(line: str) -> str:
    """Return a requirement without what makes no difference: case of the name, spaces."""
    if not name_of(line) or "://" in line or line.startswith("."):
        return line
    match = _NAME.match(line)
    assert match is not None
    rest, separator, marker = line[match.end() :].partition(";")
    return normalised(match[0]) + re.sub(r"\s+", "", rest) + separator + marker.strip()
