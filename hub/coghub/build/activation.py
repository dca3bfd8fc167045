"""The variables of a model's processes on this machine; nothing is run here."""

import os
from collections.abc import Mapping
from pathlib import Path

from coghub.build.plan import Plan

DROPPED = ("PYTHONHOME", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__", "CONDA_PREFIX")
"""They belong to the Python that runs this command, and would mislead the model's."""


def activated(environ: Mapping[str, str], *, environment: Path, sdk: Path) -> dict[str, str]:
    """Return the user's variables with an environment on the path, and `cog` to import."""
    kept = {name: value for name, value in environ.items() if name not in DROPPED}
    tools = sdk / "cog" / "tools"  # last: a `pget` that the user has installed is preferred
    folders = [str(environment / "bin"), kept.get("PATH") or os.defpath, str(tools)]
    imports = [str(sdk), kept.get("PYTHONPATH", "")]
    return {
        **kept,
        "VIRTUAL_ENV": str(environment),
        "PATH": os.pathsep.join(folders),
        "PYTHONPATH": os.pathsep.join(part for part in imports if part),
    }


def of_plan(plan: Plan, *, server_python: str, log_level: str) -> dict[str, str]:
    """Return what tells a model's server what it serves, and what cog.yaml sets."""
    told = {
        "COG_PREDICT_TYPE_STUB": plan.predict or "",
        "COG_TRAIN_TYPE_STUB": plan.train or "",
        "COG_SERVER_PYTHON": server_python,
        "COG_MAX_CONCURRENCY": str(plan.max_concurrency or ""),
        "LOG_FORMAT": "console",
        "COG_LOG_LEVEL": log_level,
        "PYTHONUNBUFFERED": "1",
    }
    return {**{name: value for name, value in told.items() if value}, **plan.environment}
