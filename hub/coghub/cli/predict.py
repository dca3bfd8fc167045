"""`cog predict`, also called `cog run`: one prediction of the project here, or of a bundle."""

from typing import Any

import click

from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.output_place import OutputPlace
from coghub.cli.prediction import Wanted, run_once
from coghub.cli.projects import chosen_project
from coghub.engines.base import Launch


@click.command("predict")
@click.argument("name", required=False)
@options.inputs
@click.option(
    "--json",
    "json_text",
    metavar="TEXT",
    help="All inputs as one JSON object: the text itself, @FILE, or - for stdin. "
    "The answer is then one JSON object too.",
)
@click.option("-o", "--output", "wanted_output", metavar="PATH", help="Where the output goes.")
@options.variables
@options.gpus
@options.setup_timeout
@click.option(
    "--use-replicate-token",
    "passes_token",
    is_flag=True,
    help="Pass REPLICATE_API_TOKEN to the model, in the prediction's context.",
)
@options.config_file
@options.preparing
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    name: str | None,
    flags: tuple[str, ...],
    json_text: str | None,
    wanted_output: str | None,
    variables: tuple[str, ...],
    gpus: str | None,
    setup_timeout: float,
    passes_token: bool,
    config_name: str,
    **flags_of_build: Any,
) -> None:
    """Run one prediction of this project, or of the bundle NAME that `cog build -t NAME` wrote.

    Text and JSON go to stdout; files are written here, as output.png and so on.

    \b
    cog predict -i prompt="a cat" -i image=@cat.jpg
    cog predict --json '{"prompt": "a cat"}' -o cat.png
    """  # noqa: D301 - the backspace is click's mark
    environment = options.environment_of(variables, invocation.settings.environ)
    wanted = Wanted(
        launch=Launch("predict", environment, gpus, is_debug=invocation.is_debug),
        flags=flags,
        json_text=json_text,
        place=OutputPlace(wanted_output),
        setup_timeout_s=setup_timeout,
        passes_token=passes_token,
        preparation=options.preparation_of(invocation, flags_of_build),
    )
    run_once(invocation, chosen_project(invocation, name, config_name), wanted)
