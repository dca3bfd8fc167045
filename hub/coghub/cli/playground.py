"""`cog playground`: a page to try a model that a server serves."""

import asyncio
import re
import signal
import socket
import webbrowser
from contextlib import suppress

import click
import uvloop

from coghub.cli.invocation import Invocation
from coghub.domain.errors import UsageError
from coghub.playground.app import Playground
from coghub.serving.listener import bind, listening, url_of

TARGET = re.compile(r"https?://[^/?#\s]+/?", re.IGNORECASE)


@click.command("playground")
@click.option(
    "--target",
    metavar="URL",
    default="http://localhost:8393",
    show_default=True,
    help="The server of the model, such as `cog serve` starts.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; else a free one.")
@click.option("--no-open", is_flag=True, help="Open no browser.")
@click.option("--webhook-host", hidden=True, help="Has no effect.")
@click.option("--until-eof", type=int, hidden=True, help="End when this pipe does.")
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    target: str,
    host: str,
    port: int,
    no_open: bool,
    webhook_host: str | None,
    until_eof: int | None,
) -> None:
    """Show a page to try a model: a form made from its inputs, and what it makes.

    The page is for this machine alone, unless `--host` says otherwise.

    cog serve & cog playground
    """
    del webhook_host
    if not TARGET.fullmatch(target):
        raise UsageError(f"--target is no http:// or https:// URL of a server: {target}")
    listener = bind(host, port)
    address = url_of(listener)
    invocation.console.say(f"Cog playground running at {address}")
    if not no_open:
        with suppress(webbrowser.Error):
            webbrowser.open(address)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(target.rstrip("/"), listener, until_eof))


async def _serve(target: str, listener: socket.socket, until_eof: int | None) -> None:
    """Answer until Ctrl-C, until the pipe ends, or until the process is told to end."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    if until_eof is not None:
        loop.add_reader(until_eof, ended.set)
    # What a handler raises inside the loop is lost, so these two are told to the loop.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, ended.set)
    playground = Playground(target)
    try:
        async with listening(playground.app(), listener):
            await ended.wait()
    finally:
        await playground.close()
