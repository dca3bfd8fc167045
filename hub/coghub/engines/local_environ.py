"""The environment variables of a model's processes under the local engine; nothing is run here."""

from coghub.build.activation import of_plan
from coghub.build.plan import Plan
from coghub.domain.errors import UsageError
from coghub.engines.base import Launch


def of_model(plan: Plan, launch: Launch, *, server_python: str, log_level: str) -> dict[str, str]:
    """Return what is set for a model's server beside the user's own variables."""
    level = "debug" if launch.is_debug else log_level
    given = of_plan(plan, server_python=server_python, log_level=level)
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
