"""`coghub up`: a hub, from the start to the stop."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import ExitStack
from typing import Any

import click
import uvloop

from coghub.app import serve, tls_of
from coghub.cli.hub.first_login import FirstLogin, first_login
from coghub.cli.hub.invocation import CONFIG, DATA, HubInvocation
from coghub.cli.output import Console
from coghub.hub_settings import HubSettings
from coghub.opening import claim, open_hub
from coghub.serving.file_limit import raise_file_limit
from coghub.serving.listener import bind, check_tls, url_of
from coghub.serving.log_lines import log_to
from coghub.serving.stopping import Stop, signals_heard

LOOPBACK = ("127.", "::1")


@click.command("up")
@click.option("--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0 lets others in.")
@click.option("--port", metavar="PORT", help="Port to listen on; 0 takes a free one.")
@DATA
@CONFIG
@click.option("--public-url", metavar="URL", help="How others reach the hub.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain (PEM), for https.")
@click.option("--tls-key", metavar="FILE", help="Its key (PEM).")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--ready-fd", type=int, metavar="FD", help="Write the address there once it answers.")
@click.pass_obj
def command(console: Console, *, ready_fd: int | None, **flags: Any) -> None:
    """Run a hub until it is stopped: API, registry, pages and models.

    The first start makes an administrator and says how to log in. Ctrl-C or SIGTERM stops it when
    what it answers is answered; the second one stops it at once.

    Every setting is also an environment variable (`COGHUB_PORT`) or a line in the settings file
    (`port = 5100`); flags beat the environment, which beats the file.
    """
    invocation = HubInvocation(console, flags)
    settings = invocation.settings()
    raise_file_limit()
    log_to(sys.stderr, level=settings.log_level, is_json=settings.log_format == "json")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stop = runner.run(_up(console, settings, ready_fd, invocation.which_hub()))
    if stop.signal is signal.SIGINT:
        raise KeyboardInterrupt


async def _up(
    console: Console, settings: HubSettings, ready_fd: int | None, which_hub: str
) -> Stop:
    if tls := tls_of(settings):
        check_tls(tls)
    lock = claim(settings.data)
    with ExitStack() as stack:
        stack.callback(lock.remove)
        listener = stack.enter_context(bind(settings.host, settings.port))
        with signals_heard() as stop:
            async with open_hub(settings, is_claimed=True) as hub:
                login = await first_login(hub)
                address = url_of(listener, is_secure=tls is not None)

                def announce() -> None:
                    _announce(console, settings, listener, login, which_hub)
                    if ready_fd is not None:
                        _write(ready_fd, address)

                await serve(hub, listener, until=stop.event, on_ready=announce)
    return stop


def _announce(
    console: Console,
    settings: HubSettings,
    listener: socket.socket,
    login: FirstLogin | None,
    which_hub: str,
) -> None:
    address = url_of(listener, is_secure=settings.tls_cert is not None)
    host = listener.getsockname()[0]
    if not host.startswith(LOOPBACK) and not (settings.tls_cert or settings.public_url):
        console.warn(
            "Tokens and files travel unencrypted: give `--tls-cert` and `--tls-key`, or put a "
            "proxy with https in front and name it by `--public-url`"
        )
    if login:
        for line in login.lines(settings.public_url or address, which_hub):
            console.say(line)
    console.say(f"Listening on {address}")


def _write(descriptor: int, address: str) -> None:
    """Tell a supervisor or a test, and let go of its pipe."""
    with os.fdopen(descriptor, "w") as pipe:
        pipe.write(f"{address}\n")
