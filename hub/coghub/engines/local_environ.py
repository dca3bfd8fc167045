"""The environment variables of a model's processes under the local engine; nothing is run here."""

import os
from collections.abc import Mapping
from pathlib import Path

from coghub.build.plan import Plan
from coghub.domain.errors import UsageError
from coghub.engines.base import Launch

DROPPED = ("PYTHONHOME", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__", "CONDA_PREFIX")
"""They belong to the Python that runs this command, and would mislead the model's."""


def activated(environ: Mapping[str, str], *, environment: Path, sdk: Path) -> dict[str, str]:
    """Return the user's variables with an environment on the path, and `cog` to import."""
    kept = {name: value for name, value in environ.items() if name not in DROPPED}
    folders = [str(environment / "bin"), kept.get("PATH") or os.defpath]
    imports = [str(sdk), kept.get("PYTHONPATH", "")]
    return {
        **kept,
        "VIRTUAL_ENV": str(environment),
        "PATH": os.pathsep.join(folders),
        "PYTHONPATH": os.pathsep.join(part for part in imports if part),
    }


def of_model(plan: Plan, launch: Launch, *, server_python: str, log_level: str) -> dict[str, str]:
    """Return what is set for a model's server beside the user's own variables."""
    told = {
        "COG_PREDICT_TYPE_STUB": plan.predict or "",
        "COG_TRAIN_TYPE_STUB": plan.train or "",
        "COG_SERVER_PYTHON": server_python,
        "COG_MAX_CONCURRENCY": str(plan.max_concurrency or ""),
        "LOG_FORMAT": "console",
        "COG_LOG_LEVEL": "debug" if launch.is_debug else log_level,
        "PYTHONUNBUFFERED": "1",
    }
    given = {name: value for name, value in told.items() if value}
    return {**given, **plan.environment, **of_user(launch)}


def of_user(launch: Launch) -> dict[str, str]:
    """Return what the command line says: `-e` and `--gpus`."""
    return {**of_gpus(launch.gpus), **launch.environment}


def of_gpus(wanted: str | None) -> dict[str, str]:
    """Return what makes the wanted GPUs visible; written as after Docker's `--gpus`.

    Raises:
        UsageError: if it is none of `all`, a number, `device=0,1`.
    """
    if wanted is None or wanted == "all":
        return {}
    text = wanted.strip("\"'")
    if text.startswith("device="):
        return {"CUDA_VISIBLE_DEVICES": text.removeprefix("device=")}
    if text.isdecimal():
        return {"CUDA_VISIBLE_DEVICES": ",".join(str(index) for index in range(int(text)))}
    raise UsageError(f"--gpus is none of `all`, a number or `device=0,1`: {wanted}")
