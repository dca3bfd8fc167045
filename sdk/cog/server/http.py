"""`python -m cog.server.http`: serve the model of this folder.

Runs in the model's own environment, so it imports the standard library only. The server's
dependencies may live in another interpreter; this process then becomes that one (`execv`),
and tells it which Python the worker is to run on: the one that runs this.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

DEPENDENCIES = ("httptools", "uvloop", "msgspec", "jsonschema_rs", "aiohttp")
IMAGE_PYTHON = "/opt/cog/bin/python"
"""Where an image keeps the server's interpreter."""

BOOT = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("cog", sys.argv[1] + "/__init__.py",
                               submodule_search_locations=[sys.argv[1]])
sys.modules["cog"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["cog"])
from cog.server.main import main
main(sys.argv[2:])
"""
"""Loads `cog`, and nothing else, from the folder in `argv[1]`.

A path entry would show the server everything else in that folder, such as the model's packages.
"""

MISSING = """\
ERROR: The model server's packages are not installed: {missing}
Install them with `pip install 'coghub-sdk[server]'`, or name an interpreter that has them in
the environment variable COG_SERVER_PYTHON."""


def server_python(environ: Mapping[str, str], *, executable: str) -> str:
    """Return the interpreter that the server runs on.

    Raises:
        SystemExit: if no interpreter has the server's packages.
    """
    chosen = environ.get("COG_SERVER_PYTHON") or IMAGE_PYTHON
    if os.access(chosen, os.X_OK):
        return chosen
    if environ.get("COG_SERVER_PYTHON"):
        raise SystemExit(f"ERROR: COG_SERVER_PYTHON is not an interpreter: {chosen}")
    missing = [name for name in DEPENDENCIES if find_spec(name) is None]
    if missing:
        raise SystemExit(MISSING.format(missing=", ".join(missing)))
    return executable


def command(python: str, arguments: Sequence[str], *, worker_python: str) -> list[str]:
    """Return the command of the server in another interpreter.

    Isolated (`-I`): neither the model's folder nor PYTHONPATH may shadow a module of the server.
    """
    package = str(Path(__file__).parents[1])
    return [python, "-I", "-c", BOOT, package, "--worker-python", worker_python, *arguments]


def main() -> None:
    """Become the server."""
    python = server_python(os.environ, executable=sys.executable)  # noqa: TID251 - before settings
    if python != sys.executable:
        os.execv(python, command(python, sys.argv[1:], worker_python=sys.executable))  # noqa: S606 - no shell
    # The model's folder came first on the path with `-m`; its modules are the worker's.
    sys.path[:] = [entry for entry in sys.path if entry not in {"", str(Path.cwd())}]
    from cog.server.main import main as serve  # noqa: PLC0415 - has dependencies

    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
