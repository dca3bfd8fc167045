"""The routes of the registry, and how errors are answered.

A repository's name holds slashes, so that paths are matched from their ends: a table of patterns
does it, in this order.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from coghub.domain.distribution_errors import UploadOutOfOrder
from coghub.domain.errors import CoghubError, Unauthenticated
from coghub.domain.ids import new_id
from coghub.parts import Hub
from coghub.registry.blob_routes import BlobRoutes
from coghub.registry.challenge import challenge
from coghub.registry.cog_routes import CogRoutes
from coghub.registry.errors import coded_response, error_response
from coghub.registry.listing_routes import ListingRoutes
from coghub.registry.manifest_routes import ManifestRoutes
from coghub.registry.permission import Permission
from coghub.registry.token_routes import TokenRoutes
from coghub.registry.upload_routes import UploadRoutes, upload_headers
from coghub.registry.uploads import Uploads

log = structlog.get_logger()

Answer = Callable[[Request], Awaitable[Response]]
VERSION = {"Docker-Distribution-API-Version": "registry/2.0"}
"""By this header old clients know a registry."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path, and what answers each method there."""

    path: re.Pattern[str]
    answers: Mapping[str, Answer]


def registry_app(hub: Hub) -> ASGIApp:
    """Return the registry as an application that is asked for `/v2/…` and `/cog/v1/…`."""
    places = _places(hub)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await _answer(places, request)
        except CoghubError as error:
            response = _refused(error, request, hub)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the entry point of a request
            response = _failed(error, request)
        response.headers.update(VERSION)
        await response(scope, receive, send)

    return app


async def _answer(places: list[Place], request: Request) -> Response:
    path = request.scope["path"]
    for place in places:
        match = place.path.fullmatch(path)
        if match is None:
            continue
        request.scope["path_params"] = match.groupdict()
        answer = place.answers.get(request.method)
        if answer is None:
            allowed = ", ".join(sorted(place.answers))
            return coded_response(
                405, "UNSUPPORTED", f"Here you can {allowed} only", {"Allow": allowed}
            )
        return await answer(request)
    return coded_response(404, "UNSUPPORTED", "No such path in a registry")


def _refused(error: CoghubError, request: Request, hub: Hub) -> Response:
    headers = dict[str, str]()
    match error:
        case Unauthenticated():
            headers["WWW-Authenticate"] = challenge(request, hub.settings)
        case UploadOutOfOrder(reached=reached):
            upload_id = request.path_params["upload"]
            headers |= upload_headers(request.url.path, upload_id, reached)
        case _:
            pass
    return error_response(error, headers)


def _failed(error: Exception, request: Request) -> Response:
    """Answer a mistake of ours with an id that stands in the log beside the traceback."""
    error_id = new_id()
    log.error("request failed", error_id=error_id, path=request.url.path, exc_info=error)
    return coded_response(500, "UNKNOWN", f"Internal error; the log has it under {error_id}")


def _places(hub: Hub) -> list[Place]:
    permission = Permission(hub)
    tokens, cog = TokenRoutes(hub, permission), CogRoutes(hub)
    blobs, manifests = BlobRoutes(hub, permission), ManifestRoutes(hub, permission)
    uploads = UploadRoutes(hub, permission, Uploads(hub))
    listing = ListingRoutes(hub, permission)
    return [
        _place(r"/v2/?", GET=tokens.base, HEAD=tokens.base),
        _place(r"/v2/token", GET=tokens.get, POST=tokens.post),
        _place(r"/v2/_catalog", GET=listing.catalog),
        _place(
            r"/v2/(?P<name>.+)/blobs/uploads/(?P<upload>[a-z0-9]+)",
            GET=uploads.get,
            PATCH=uploads.patch,
            PUT=uploads.put,
            DELETE=uploads.delete,
        ),
        _place(r"/v2/(?P<name>.+)/blobs/uploads/?", POST=uploads.post),
        _place(
            r"/v2/(?P<name>.+)/blobs/(?P<digest>[^/]+)",
            GET=blobs.get,
            HEAD=blobs.head,
            DELETE=blobs.delete,
        ),
        _place(
            r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)",
            GET=manifests.get,
            HEAD=manifests.get,
            PUT=manifests.put,
            DELETE=manifests.delete,
        ),
        _place(r"/v2/(?P<name>.+)/tags/list", GET=listing.tags),
        _place(r"/v2/(?P<name>.+)/referrers/(?P<digest>[^/]+)", GET=listing.referrers),
        _place(r"/cog/v1/display-token-url", GET=cog.display_token_url),
        _place(r"/cog/v1/verify-token", POST=cog.verify_token),
        _place(r"/cog/v1/hub", GET=cog.hub),
    ]


def _place(path: str, **answers: Answer) -> Place:
    return Place(re.compile(path, re.DOTALL), answers)
