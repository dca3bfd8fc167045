"""Values as the API's JSON, and the URLs in them."""

from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from coghub.domain.account import Account
from coghub.domain.clock import iso
from coghub.domain.collection import Collection
from coghub.domain.model import Model, Version
from coghub.hub_settings import HubSettings
from coghub.public_url import base_url


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def api_url(request: Request, settings: HubSettings) -> str:
    """Return where this client finds the API, without a slash at the end."""
    return f"{base_url(request, settings)}/v1"


def account_json(account: Account) -> dict[str, Any]:
    """Return an account."""
    return {"type": "user", "username": account.name, "name": account.name, "github_url": None}


def version_json(version: Version) -> dict[str, Any]:
    """Return a version."""
    return {
        "id": version.id,
        "created_at": iso(version.created_at),
        "cog_version": version.cog_version,
        "openapi_schema": version.openapi_schema,
    }


def collection_json(collection: Collection) -> dict[str, Any]:
    """Return a collection, as it stands in lists."""
    return {
        "name": collection.name,
        "slug": collection.slug,
        "description": collection.description,
    }


def model_json(model: Model, base: str) -> dict[str, Any]:
    """Return a model; `base` is how the client reaches the hub."""
    latest = model.latest_version
    return {
        "url": f"{base}/{quote(model.owner)}/{quote(model.name)}",
        "owner": model.owner,
        "name": model.name,
        "description": model.description,
        "visibility": model.visibility,
        "is_official": False,
        "github_url": model.github_url,
        "paper_url": model.paper_url,
        "license_url": model.license_url,
        "weights_url": model.weights_url,
        "cover_image_url": model.cover_image_url,
        "run_count": model.run_count,
        "created_at": iso(model.created_at),
        "default_example": None,
        "latest_version": None if latest is None else version_json(latest),
    }
