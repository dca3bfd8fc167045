"""`cog build`: the project as a bundle in the local store."""

from pathlib import Path
from typing import Any

import click

from coghub.build.bundle import Store
from coghub.build.image_name import default_name, full_name
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import prepare, read_interface, teller
from coghub.cli.projects import project_here, require_reference
from coghub.engines.base import Launch
from coghub.engines.documents import read_document


@click.command("build")
@click.option("-t", "--tag", "name", metavar="NAME", help="Name of the bundle, such as hello:v1.")
@click.option(
    "--openapi-schema",
    "document_path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take this OpenAPI document, and do not ask the model for it.",
)
@click.option("--no-cache", is_flag=True, help="Without cached layers; no effect without Docker.")
@click.option(
    "--secret",
    multiple=True,
    metavar="id=ID,src=PATH",
    help="A secret of a Docker build; no effect without Docker.",
)
@click.option(
    "--separate-weights",
    is_flag=True,
    help="Weights in layers of their own, which a bundle always has.",
)
@click.option("--timestamp", hidden=True, metavar="SECONDS")
@click.option("--strip", is_flag=True, hidden=True)
@click.option("--precompile", is_flag=True, hidden=True)
@click.option("--skip-schema-validation", is_flag=True, hidden=True)
@options.run_commands
@options.config_file
@options.docker_only
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    name: str | None,
    document_path: Path | None,
    run_commands: bool,
    config_name: str,
    separate_weights: bool,
    **docker: Any,
) -> None:
    """Write this project into the local store as a bundle that runs by its name.

    \b
    cog build -t hello
    cog predict hello -i text=world
    """  # noqa: D301 - the backspace is click's mark
    del separate_weights
    console = invocation.console
    for line in options.ignored_lines(docker):
        console.warn(line)
    project = project_here(config_name, console)
    require_reference(project, "predict" if project.plan.predict else "train")
    name = name or str(project.plan.config.get("image") or default_name(project.folder))
    full_name(name)  # a wrong one is refused before anything is made
    given = read_document(document_path) if document_path else None
    prepared = prepare(invocation, project, run_commands=run_commands)
    document = given or read_interface(prepared, Launch(), console, is_fresh=True)
    with console.step(f"Building bundle from environment in {config_name} as {name}...") as step:
        store = Store(invocation.settings)
        bundle = store.write(name, project.plan, project.folder, document, teller(console, step))
        step.hide()
    console.say(f"Image built as {bundle.name}")
