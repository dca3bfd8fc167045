"""`cog debug`: what cog.yaml resolves to."""

import json
from typing import Any

import click

from coghub.build.plan import plan_json
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.projects import project_here


@click.command("debug")
@options.config_file
@click.option("--image-name", hidden=True, metavar="NAME")
@click.option("--separate-weights", is_flag=True, hidden=True)
@options.docker_only
@click.pass_obj
def command(invocation: Invocation, *, config_name: str, **docker: Any) -> None:
    """Print the plan as JSON: Python, packages, variables and references; nothing is made."""
    console = invocation.console
    for line in options.ignored_lines(docker):
        console.warn(line)
    plan = project_here(config_name, console).plan
    console.result(json.dumps(plan_json(plan), indent=2, ensure_ascii=False) + "\n")
