"""Listens on an address and hands requests to an application, until it is told to stop."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from coghub.domain.errors import ListenFailed, SettingInvalid
from coghub.serving.protocol import BoundedProtocol

STOP_GRACE_S = 5
"""What is being answered at a stop may take so long, in seconds; then its connection is closed."""
KEEP_ALIVE_S = 75
"""An idle connection is kept so long: longer than the 60 s after which common proxies drop theirs,
so that none of them sends a request into a connection that was just closed."""
BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class TLS:
    """The files that https needs, both in PEM."""

    certificate: Path
    key: Path


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that has the address; port 0 takes a free one.

    Raises:
        ListenFailed: if it cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0  # negative where the name is not known
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or error
        raise ListenFailed(
            f"Could not listen on {host}, port {port}: {reason}",
            hint="Choose another address with `--host` and `--port`; port 0 takes a free one",
        ) from error


def url_of(listener: socket.socket, *, is_secure: bool = False) -> str:
    """Return the URL at which this machine reaches a socket."""
    host, port = listener.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    name = f"[{here}]" if ":" in here else here
    return f"{'https' if is_secure else 'http'}://{name}:{port}"


def check_tls(tls: TLS) -> None:
    """Read the certificate and the key, as each start of a listener does.

    Raises:
        SettingInvalid: if they cannot be used.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, _no)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingInvalid(
            f"`tls-cert` and `tls-key` cannot be used: {reason}",
            hint=f"Both are files in PEM, the key without a password: {tls.certificate}, {tls.key}",
        ) from error


def _no() -> str:
    """Answer OpenSSL's question for a password: it would ask the terminal."""
    return ""


@asynccontextmanager
async def listening(
    app: ASGIApp,
    listener: socket.socket,
    *,
    tls: TLS | None = None,
    trusted_proxies: tuple[str, ...] = (),
) -> AsyncGenerator[None]:
    """Answer requests inside the block; at its end finish those that are being answered."""
    server = _Server(_config(app, tls, trusted_proxies))
    task = asyncio.create_task(server.serve([listener]), name="listener")
    ready = asyncio.create_task(server.is_ready.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        if not task.done():
            yield
    finally:
        server.should_exit = True
        await task


def _config(app: ASGIApp, tls: TLS | None, trusted_proxies: tuple[str, ...]) -> uvicorn.Config:
    """Return how uvicorn works here: it logs no request, as URLs hold keys."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_GRACE_S,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )


class _Server(uvicorn.Server):
    """uvicorn's server without its hold on signals: this process has more to stop than that."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
