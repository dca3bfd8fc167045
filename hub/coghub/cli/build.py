"""`cog build`: the project as a bundle in the local store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from coghub.build.bundle import Bundle, Store
from coghub.build.image_name import default_name, full_name
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import prepare, read_interface, teller
from coghub.cli.projects import project_here, require_reference
from coghub.engines.base import Launch, Project
from coghub.engines.documents import read_document

_OPTIONS = (
    click.option(
        "--openapi-schema",
        "document_path",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Take this OpenAPI document, and do not ask the model for it.",
    ),
    click.option(
        "--no-cache", is_flag=True, help="Without cached layers; no effect without Docker."
    ),
    click.option(
        "--secret",
        multiple=True,
        metavar="id=ID,src=PATH",
        help="A secret of a Docker build; no effect without Docker.",
    ),
    click.option(
        "--separate-weights",
        is_flag=True,
        help="Weights in layers of their own, which a bundle always has.",
    ),
    click.option("--timestamp", hidden=True, metavar="SECONDS"),
    click.option("--strip", is_flag=True, hidden=True),
    click.option("--precompile", is_flag=True, hidden=True),
    click.option("--skip-schema-validation", is_flag=True, hidden=True),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bundle is made from, beside the project."""

    name: str
    document_path: Path | None = None
    """Of an OpenAPI document that overrules the model's own."""
    run_commands: bool = False


def of_a_build(command: options.Command) -> options.Command:
    """Accept the options of building, which `cog push` has too."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("build")
@click.option("-t", "--tag", "name", metavar="NAME", help="Name of the bundle, such as hello:v1.")
@of_a_build
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
    bundle = built(invocation, project, Wanted(name, document_path, run_commands=run_commands))
    console.say(f"Image built as {bundle.name}")


def built(invocation: Invocation, project: Project, wanted: Wanted) -> Bundle:
    """Make the bundle, with the document that the model's code has now."""
    console, path = invocation.console, wanted.document_path
    given = read_document(path) if path else None
    prepared = prepare(invocation, project, run_commands=wanted.run_commands)
    document = given or read_interface(prepared, Launch(), console, is_fresh=True)
    line = f"Building bundle from environment in {project.origin} as {wanted.name}..."
    with console.step(line) as step:
        store = Store(invocation.settings)
        report = teller(console, step)
        bundle = store.write(wanted.name, project.plan, project.folder, document, report)
        step.hide()
    return bundle
