"""`cog train`: one training of the project here."""

from typing import Any

import click

from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.output_place import OutputPlace
from coghub.cli.prediction import Wanted, run_once
from coghub.cli.projects import chosen_project
from coghub.engines.base import Launch


@click.command("train")
@click.argument("name", required=False)
@options.inputs
@click.option(
    "-o",
    "--output",
    "wanted_output",
    metavar="PATH",
    help="Where the trained weights go.  [default: weights]",
)
@options.variables
@options.gpus
@options.setup_timeout
@options.config_file
@options.preparing
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    name: str | None,
    flags: tuple[str, ...],
    wanted_output: str | None,
    variables: tuple[str, ...],
    gpus: str | None,
    setup_timeout: float,
    config_name: str,
    **flags_of_build: Any,
) -> None:
    """Run one training of this project: what `train` in cog.yaml names.

    Its weights can be tried with `COG_WEIGHTS=PATH cog predict`.
    """
    environment = options.environment_of(variables, invocation.settings.environ)
    wanted = Wanted(
        launch=Launch("train", environment, gpus, is_debug=invocation.is_debug),
        flags=flags,
        place=OutputPlace(wanted_output, "weights"),
        setup_timeout_s=setup_timeout,
        preparation=options.preparation_of(invocation, flags_of_build),
    )
    run_once(invocation, chosen_project(invocation, name, config_name), wanted)
