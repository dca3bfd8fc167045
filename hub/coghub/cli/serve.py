"""`cog serve`: the model's HTTP server, in the foreground, until it is stopped."""

import errno
import os
import re
import socket
import subprocess
import sys
from typing import Any

import click

from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.prediction import prepare
from coghub.cli.projects import chosen_project, require_reference, variables_for
from coghub.cli.shown_weights import shown_to_successor
from coghub.cli.source_check import document_in_source
from coghub.domain.errors import UsageError
from coghub.engines.base import Address, Launch

LOCALHOST = ("0.0.0.0", "::", "127.0.0.1")  # noqa: S104 - only compared
"""Addresses that a browser on this machine reaches as `localhost`."""

PLAYGROUND_HOST = "127.0.0.1"
RUN_COG = "from coghub.cli.main import cog; cog()"

_WEB_URL = re.compile(r"(?i)https?://[^/?#\s]")


class Port(click.IntRange):
    """The number of a port, called so when it is none."""

    name = "port"


def _upload_url(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """Refuse what no file can be sent to, before anything is made."""
    if url and not _WEB_URL.match(url):
        raise UsageError(f"--upload-url is no http:// or https:// URL: {url}")
    return url


@click.command("serve")
@click.argument("name", required=False)
@click.option(
    "-p",
    "--port",
    type=Port(1, 65535),
    metavar="PORT",
    default=8393,
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines in.",
)
@click.option(
    "--upload-url",
    metavar="URL",
    callback=_upload_url,
    help="Where the server sends output files (PUT).",
)
@click.option("--reload", "reloads", is_flag=True, help="Start anew when the source changes.")
@click.option(
    "--keep-weights",
    is_flag=True,
    help="With --reload: swap the changed code into the process, keep what setup() made, and run "
    "the last inputs again.",
)
@click.option("--playground", is_flag=True, help="Also show a page to try the model.")
@click.option(
    "--playground-port",
    type=Port(1, 65535),
    metavar="PORT",
    default=9000,
    show_default=True,
    help="Port of that page.",
)
@options.variables
@options.gpus
@options.config_file
@options.preparing
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    name: str | None,
    port: int,
    host: str,
    upload_url: str | None,
    reloads: bool,
    keep_weights: bool,
    playground: bool,
    playground_port: int,
    variables: tuple[str, ...],
    gpus: str | None,
    config_name: str,
    **flags: Any,
) -> None:
    """Serve the model of this project, or of the bundle NAME, over HTTP until Ctrl-C.

    The server takes the place of this command, and ends in order with exit code 0.

    \b
    curl http://localhost:8393/predictions -X POST \\
        -H 'Content-Type: application/json' -d '{"input": {"prompt": "a cat"}}'
    """  # noqa: D301 - the backspace is click's mark
    console = invocation.console
    environment = options.environment_of(variables, invocation.settings.environ)
    reload = _reload(name, reloads=reloads, keeps=keep_weights)
    project = chosen_project(invocation, name, config_name)
    require_reference(project, "predict")
    _refuse_taken_port(host, port)
    if playground:
        if playground_port == port:
            raise UsageError(f"playground port {port} must differ from the model port {port}")
        _refuse_taken_port(PLAYGROUND_HOST, playground_port)
    document_in_source(project, invocation.settings, "predict")
    weights = shown_to_successor(invocation, project)
    prepared = prepare(invocation, project, options.preparation_of(invocation, flags))
    console.say(_running_line(prepared.place, upload_url))
    console.say(_serving_line(host, port))
    if playground:
        _start_playground(playground_port, _reached(host, port))
    environment = variables_for(project, environment, invocation.settings.environ)
    launch = Launch("predict", environment, gpus, invocation.is_debug, weights)
    prepared.serve(launch, Address(host, port, upload_url, reload))


def _reload(name: str | None, *, reloads: bool, keeps: bool) -> str | None:
    """Return what the server is told of `--reload`."""
    if keeps and not reloads:
        raise UsageError("--keep-weights goes with --reload")
    if reloads and name is not None:
        raise UsageError(
            "--reload is for the project in this folder: what was built does not change"
        )
    return ("keep" if keeps else "restart") if reloads else None


def _start_playground(port: int, target: str) -> None:
    """Start it beside the server, which takes the place of this process; it ends when that does.

    The server holds one end of a pipe without knowing, and the playground waits for its end.
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003 - the only argument that it has
    command = [sys.executable, "-c", RUN_COG, "playground", "--no-open"]
    command += ["--target", target, "--port", str(port), "--until-eof", str(reading)]
    subprocess.Popen(command, pass_fds=[reading], start_new_session=True)
    os.close(reading)


def _reached(host: str, port: int) -> str:
    """Return how this machine reaches the server."""
    here = "127.0.0.1" if host in LOCALHOST else host
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _refuse_taken_port(host: str, port: int) -> None:
    """Find out before anything is made, which may take minutes."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        is_about_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        raise UsageError(
            f"Cannot listen on {host}:{port}: {error.strerror}",
            hint="Choose another port with `-p`"
            if is_about_port
            else "Give an address of this machine to `--host`",
        ) from error


def _running_line(place: str, upload_url: str | None) -> str:
    flags = f" --upload-url {upload_url}" if upload_url else ""
    return f"Running python -m cog.server.http{flags} in {place}..."


def _serving_line(host: str, port: int) -> str:
    shown = "localhost" if host in LOCALHOST else f"[{host}]" if ":" in host else host
    also = f" (http://{host}:{port})" if host == "0.0.0.0" else ""  # noqa: S104 - only compared
    return f"Serving at http://{shown}:{port}{also}"
