"""`/healthz`, `/readyz` and `/metrics`.

Anybody may ask the first two, which say no more than yes or no of each part. The numbers name
models, and say how much others run: they are for administrators, and for the addresses that
`metrics-networks` lists, so that a scraper needs no token that could change the hub. That is empty
unless somebody sets it: behind a proxy on the same machine every stranger would come from loopback.
"""

from ipaddress import ip_address, ip_network

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from coghub.api.authentication import require_account
from coghub.api.errors import problem
from coghub.api.rendering import json_response
from coghub.domain.errors import CoghubError, Forbidden
from coghub.monitoring.numbers import Numbers
from coghub.monitoring.readiness import Readiness
from coghub.parts import Hub

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
NOT_KEPT = {"cache-control": "no-store"}
METHODS = frozenset({"GET", "HEAD"})


def monitoring_app(hub: Hub) -> ASGIApp:
    """Return an application that is asked for `PATHS`."""
    monitoring = _Monitoring(hub)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await monitoring.answer(Request(scope, receive))
        except CoghubError as error:
            answer = problem(error)
        await answer(scope, receive, send)

    return app


class _Monitoring:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._readiness = Readiness(hub)
        self._numbers = Numbers(hub)

    async def answer(self, request: Request) -> Response:
        if request.method not in METHODS:
            return Response(status_code=405, headers={"allow": "GET, HEAD"})
        match request.url.path:
            case "/healthz":
                return json_response({"status": "ok"}, headers=NOT_KEPT)
            case "/readyz":
                return await self._ready()
            case _:
                await self._require_reader(request)
                text, media_type = await self._numbers.text()
                return Response(text, headers=NOT_KEPT, media_type=media_type)

    async def _ready(self) -> Response:
        parts = await self._readiness.parts()
        is_ready = all(parts.values())
        shown = {"status": "ready" if is_ready else "unavailable", "parts": parts}
        return json_response(shown, 200 if is_ready else 503, NOT_KEPT)

    async def _require_reader(self, request: Request) -> None:
        """Do nothing if who asks may see the numbers.

        Raises:
            Unauthenticated: if it is a stranger.
            Forbidden: if it is an account without the right.
        """
        if self._is_near(request):
            return
        account = await require_account(request, self._hub.accounts)
        if not account.is_admin:
            raise Forbidden("The hub's metrics are for administrators")

    def _is_near(self, request: Request) -> bool:
        """Tell whether it comes from one of `metrics-networks`, and not through a proxy.

        Of a proxy that is trusted, the address is that of its client.
        """
        settings = self._hub.settings
        is_forwarded = any(name in request.headers for name in FORWARDED)
        if request.client is None or (is_forwarded and not settings.trusted_proxies):
            return False
        try:
            address = ip_address(request.client.host)
        except ValueError:
            return False
        return any(address in ip_network(it) for it in settings.metrics_networks)
