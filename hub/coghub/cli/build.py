"""`cog build`: the project as an image of Docker, or without Docker as a bundle in the store."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from coghub.build.bundle import Bundle, Store
from coghub.build.docker.image import Image
from coghub.build.image_name import default_name, full_name
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import prepare, read_interface, teller
from coghub.cli.projects import project_here, require_reference
from coghub.cli.shown_weights import placed_in, shown_in
from coghub.cli.source_check import document_in_source
from coghub.engines.base import NO_PREPARATION, Engine, Launch, Preparation, Project
from coghub.engines.choice import engine_of
from coghub.engines.documents import read_document

document_file = click.option(
    "--openapi-schema",
    "document_path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take this OpenAPI document, and do not ask the model for it.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is built from a project."""

    name: str
    document_path: Path | None = None
    """Of an OpenAPI document that overrules the model's own."""
    preparation: Preparation = NO_PREPARATION


@click.command("build")
@click.option("-t", "--tag", "name", metavar="NAME", help="Name of the image, such as hello:v1.")
@document_file
@options.building
@options.config_file
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    name: str | None,
    document_path: Path | None,
    config_name: str,
    **flags: Any,
) -> None:
    """Build this project into an image that runs by its name.

    Without Docker it becomes a bundle in the local store, which runs by its name too.

    \b
    cog build -t hello
    cog predict hello -i text=world
    """  # noqa: D301 - the backspace is click's mark
    console, engine = invocation.console, engine_of(invocation.settings)
    engine.check()
    preparation = options.preparation_of(invocation, flags)
    project = project_here(config_name, console)
    require_reference(project, "predict" if project.plan.predict else "train")
    name = name or str(project.plan.config.get("image") or default_name(project.folder))
    full_name(name)  # a wrong one is refused before anything is made
    wanted = Wanted(name, document_path, preparation)
    if engine.name == "docker":
        built_image(invocation, project, wanted, engine)
        console.say(f"Image built as {name}")
    else:
        console.say(f"Image built as {built(invocation, project, wanted).name}")


def built(invocation: Invocation, project: Project, wanted: Wanted) -> Bundle:
    """Make the bundle, with the document that the model's code has now."""
    console, path = invocation.console, wanted.document_path
    document_in_source(project, invocation.settings, "predict", path)
    weights = placed_in(invocation, project)
    given = read_document(path) if path else None
    prepared = prepare(invocation, project, wanted.preparation)
    document = given or read_interface(prepared, Launch(), console, is_fresh=True)
    line = f"Building bundle from environment in {project.origin} as {wanted.name}..."
    with console.step(line) as step:
        store = Store(invocation.settings)
        report = teller(console, step)
        bundle = store.write(
            wanted.name, project.plan, project.folder, document, report, weights=weights
        )
        step.hide()
    return bundle


def built_image(
    invocation: Invocation, project: Project, wanted: Wanted, engine: Engine | None = None
) -> Image:
    """Make the image, with the document that the model's code has now."""
    from coghub.build.image import model_image  # noqa: PLC0415 - bundles need none of it
    from coghub.engines.docker import PreparedImage  # noqa: PLC0415

    console, path, options_ = invocation.console, wanted.document_path, wanted.preparation.build
    document_in_source(project, invocation.settings, "predict", path)
    given = read_document(path) if path else None
    line = f"Building Docker image from environment in {project.origin} as {wanted.name}..."
    with (
        shown_in(invocation, project, is_linked=False) as weights,
        console.step(line) as step,
    ):
        report = teller(console, step)
        if options_.progress in ("plain", "tty"):
            step.hide()  # Docker shows all itself
        engine = engine or engine_of(invocation.settings)
        prepared = engine.prepare(project, report, wanted.preparation)
        assert isinstance(prepared, PreparedImage)
        document = given or partial(prepared.document, Launch(), console.log, is_fresh=True)
        order = model_image.ModelOrder(
            project.plan,
            project.folder,
            document,
            wanted.name,
            config_name=project.origin,
            weights=weights,
        )
        image = model_image.build_model_image(
            prepared.docker, prepared.image, order, invocation.settings, report, options_
        )
        text = f"Building Docker image from {project.origin}..."
        step.succeed(text=text, outcome=f"Successfully built {image.short_id}")
    return image
