"""The effective cog.yaml as the label `run.cog.config` holds it."""

from typing import Any

from coghub.build.cog_yaml import Build, Command, Config


def config_json(config: Config) -> dict[str, Any]:
    """Return the config as JSON with false and empty keys left out; `run` is stored as `predict`.

    Source: Cog's label `run.cog.config`, which its own tools and Replicate read.
    """
    concurrency = {"max": config.max_concurrency} if config.max_concurrency else None
    return _full(
        {
            "build": _build_json(config.build),
            "image": config.image,
            "model": config.model,
            "predict": config.predict,
            "train": config.train,
            "concurrency": concurrency,
            "environment": [f"{name}={value}" for name, value in config.environment.items()],
            "weights": list(config.weights),
        }
    )


def _build_json(build: Build) -> dict[str, Any]:
    return _full(
        {
            "gpu": build.gpu,
            "python_version": build.python_version,
            "python_requirements": build.python_requirements,
            "python_packages": list(build.python_packages),
            "run": [_command_json(command) for command in build.run],
            "system_packages": list(build.system_packages),
            "pre_install": list(build.pre_install),
            "cuda": build.cuda,
            "cudnn": build.cudnn,
            "sdk_version": build.sdk_version,
        }
    )


def _command_json(command: Command) -> dict[str, Any]:
    mounts = [{"type": one.type, "id": one.id, "target": one.target} for one in command.mounts]
    return _full({"command": command.command, "mounts": mounts})


def _full(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
