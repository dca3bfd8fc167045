"""The header that tells a client where to get a token, and for what.

Source: the Docker registry's token authentication, which the OCI specification leaves as it is.
"""

from starlette.requests import Request

from coghub.hub_settings import HubSettings
from coghub.public_url import base_url

ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}
"""All others need to read and write."""


def challenge(request: Request, settings: HubSettings) -> str:
    """Return the value of `WWW-Authenticate` for a request that was refused."""
    base = base_url(request, settings)
    fields = {"realm": f"{base}/v2/token", "service": service_of(base)}
    scope = _scope(request)
    fields |= {"scope": scope} if scope else {}
    if "authorization" in request.headers:
        fields["error"] = "invalid_token"
    return "Bearer " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def service_of(base: str) -> str:
    """Return the name of this registry in its challenges: its host."""
    return base.partition("://")[2]


def _scope(request: Request) -> str | None:
    name = request.path_params.get("name")
    if name is None:
        return "registry:catalog:*" if request.url.path.endswith("_catalog") else None
    return f"repository:{name}:{ACTIONS.get(request.method, 'pull,push')}"
