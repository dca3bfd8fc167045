"""Where an opened hub becomes one that serves.

1. `asgi` joins the HTTP of registry, API and pages: the path says whose a request is.
2. `serve` answers on both listeners and runs what goes on in the background, until it is stopped.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from coghub.api.app import api_app
from coghub.api.callbacks import Callbacks
from coghub.api.webhooks import show_to_webhook
from coghub.background import Addresses, Background, executor_of
from coghub.domain.audit import Via, answering
from coghub.hub_settings import HubSettings
from coghub.monitoring.app import PATHS as MONITORED
from coghub.monitoring.app import monitoring_app
from coghub.monitoring.requests import Counted
from coghub.parts import Hub
from coghub.registry.app import registry_app
from coghub.serving.listener import TLS, bind, listening, url_of
from coghub.settings import current_settings
from coghub.web.app import web_app

API_PATHS = frozenset({"v1", "files"})
"""First segments of what the API answers whoever asks: files have URLs that need no token."""
DOCUMENTS = frozenset({"/openapi.json", "/docs"})
"""What it answers whoever asks, as tools look for its document without a prefix."""


def asgi(hub: Hub) -> ASGIApp:
    """Return the whole of the hub's HTTP: registry, API, and pages."""
    made = {Via.REGISTRY: registry_app(hub), Via.API: api_app(hub), Via.WEB: web_app(hub)}
    surfaces = {via: Counted(it, via, hub.statistics) for via, it in made.items()}
    monitoring = monitoring_app(hub)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        if scope["path"] in MONITORED:
            await monitoring(scope, receive, send)
            return
        via = _via(scope)
        with answering(via):
            await surfaces[via](scope, receive, send)

    return app


def _via(scope: Scope) -> Via:
    """Tell whose a request is."""
    first = scope["path"].partition("/")[2].partition("/")[0]  # no `/` at all in `OPTIONS *`
    if first == "v2" or scope["path"].startswith("/cog/v1/"):
        return Via.REGISTRY
    if first in API_PATHS or scope["path"] in DOCUMENTS or _has_authorization(scope):
        return Via.API
    return Via.WEB


def _has_authorization(scope: Scope) -> bool:
    """Tell an API call without prefix from a page: only the former carries a token as such.

    Browsers send Basic, once somebody signed in.
    """
    return any(
        name == b"authorization" and not value.lower().startswith(b"basic ")
        for name, value in scope["headers"]
    )


async def serve(
    hub: Hub, listener: socket.socket, *, until: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Be a hub until the event is set.

    It stops in the order in which the parts need each other: requests first, then the background
    with the instances, which hand over their last outputs, and then what takes these.
    """
    settings = hub.settings
    tls, proxies = tls_of(settings), settings.trusted_proxies
    executor = executor_of(hub, current_settings())
    callbacks = bind(await executor.connect(), 0)
    addresses = Addresses(url_of(listener, is_secure=tls is not None), url_of(callbacks))
    background = Background(hub, executor, addresses, partial(show_to_webhook, hub))
    async with AsyncExitStack() as stack:
        answers = Callbacks(hub, background.member, background.guard).app()
        counted = Counted(answers, "instances", hub.statistics)
        await stack.enter_async_context(listening(counted, callbacks))
        await stack.enter_async_context(background.running())
        await stack.enter_async_context(
            listening(asgi(hub), listener, tls=tls, trusted_proxies=proxies)
        )
        on_ready()
        await until.wait()
        await background.leave()
        hub.signals.stop()


def tls_of(settings: HubSettings) -> TLS | None:
    """Return what https needs, if it is wanted."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return TLS(settings.tls_cert, settings.tls_key)
