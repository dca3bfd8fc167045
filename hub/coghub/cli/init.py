"""`cog init`: the files of a new project."""

import sys
from importlib.resources import files
from pathlib import Path

import click

from coghub.cli.invocation import Invocation
from coghub.domain.errors import CoghubError

OLDER = {"cog.yaml": "cog_predict.yaml", "predict.py": "predict.py.txt"}
NEWER = {"cog.yaml": "cog_run.yaml", "run.py": "run.py.txt"}
SHARED = {"requirements.txt": "requirements.txt"}
"""File name in the project → name of the template in the folder `templates`."""

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Our own, for a new project: the one Python that is surely on this machine."""


@click.command("init")
@click.option("--run", "is_newer", is_flag=True, help="Write run.py with Runner and run().")
@click.pass_obj
def command(invocation: Invocation, *, is_newer: bool) -> None:
    """Write cog.yaml, predict.py and requirements.txt into this folder.

    Files that exist are left as they are.
    """
    console = invocation.console
    console.say("Setting up the current directory for use with Cog...")
    for name, template in ((NEWER if is_newer else OLDER) | SHARED).items():
        console.say(_write(Path(name), template))
    console.say("Done! For next steps, check out the docs at https://cog.run/getting-started")


def _write(target: Path, template: str) -> str:
    source = (files("coghub.cli") / "templates" / template).read_text(encoding="utf-8")
    content = source.replace("{python_version}", PYTHON_VERSION)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        return f"Skipped existing {target}"
    except OSError as error:
        raise CoghubError(f"Could not write {target}: {error.strerror}") from error
    return f"Creating {target}"
