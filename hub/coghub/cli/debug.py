"""`cog debug`: what cog.yaml resolves to."""

import json
from pathlib import Path
from typing import Any

import click

from coghub.build.events import Event
from coghub.build.plan import Plan, plan_json
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.projects import project_here
from coghub.engines.base import Preparation
from coghub.engines.choice import engine_of


@click.command("debug")
@click.option("--json", "is_json", is_flag=True, help="Print the plan, also with Docker.")
@options.config_file
@click.option("--image-name", hidden=True, metavar="NAME")
@options.building
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    is_json: bool,
    config_name: str,
    image_name: str | None,
    **flags: Any,
) -> None:
    """Print what cog.yaml resolves to; nothing is made, and no engine need run.

    With Docker (`COG_ENGINE=docker`, or an engine that answers) that is the Dockerfile; without
    it, or with --json, the plan as JSON: Python, packages, variables and references.
    """
    del image_name  # accepted for scripts: no text depends on it
    console = invocation.console
    preparation = options.preparation_of(invocation, flags)
    project = project_here(config_name, console)
    if is_json or engine_of(invocation.settings).name == "local":
        text = json.dumps(plan_json(project.plan), indent=2, ensure_ascii=False) + "\n"
    else:
        text = _dockerfile(invocation, project.plan, project.folder, config_name, preparation)
    console.result(text)


def _dockerfile(
    invocation: Invocation, plan: Plan, folder: Path, config_name: str, preparation: Preparation
) -> str:
    """Return the text of both builds, as BuildKit would get them, as one."""
    from coghub.build.events import ignore  # noqa: PLC0415 - the plan needs none of these
    from coghub.build.image.dockerfile import ENVIRONMENT  # noqa: PLC0415
    from coghub.build.image.environment_image import environment_text  # noqa: PLC0415
    from coghub.build.image.model_image import model_text  # noqa: PLC0415
    from coghub.build.image.weights import weights_among  # noqa: PLC0415
    from coghub.build.project_files import project_files  # noqa: PLC0415

    def warn(event: Event) -> None:
        invocation.console.warn(event.text)

    environment = environment_text(plan, invocation.settings, preparation.build, warn)
    if preparation.build.dockerfile:
        return environment
    weights = list[str]()
    if preparation.build.separate_weights:
        weights = weights_among(project_files(folder, ignore))
    return f"{environment}\n{model_text(ENVIRONMENT, weights, config_name, '.')}"
