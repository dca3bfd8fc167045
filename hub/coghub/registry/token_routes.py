"""`/v2/token`: gives out what the registry's other routes take as Bearer.

Source: the Docker registry's token specification, and its OAuth2 form.
"""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from coghub.domain.clock import iso
from coghub.domain.distribution_errors import DistributionError
from coghub.parts import Hub
from coghub.registry.bearer import LIFETIME_S, Grant, expiry, sealed
from coghub.registry.forms import read_form
from coghub.registry.names import repository_of
from coghub.registry.permission import PULL, PUSH, Caller, Permission, not_logged_in
from coghub.registry.responses import json_response

MAX_SCOPES = 100
USUAL = (PULL, PUSH)
"""Given for every repository that is named, as far as the account may: some clients (oras-py) ask
for `pull`, and use that token for their push too."""
_SCOPE = re.compile(
    r"repository(?:\([a-z0-9]+\))?:(?P<name>[^:]+(?::[0-9]+/[^:]+)?):(?P<actions>.*)"
)


class TokenRoutes:
    """Answers who has logged in, and everyone."""

    def __init__(self, hub: Hub, permission: Permission) -> None:
        self._hub = hub
        self._permission = permission

    async def base(self, request: Request) -> Response:
        """Answer GET /v2/: this is a registry, and it knows who asks."""
        caller = await self._permission.caller(request)
        if caller.account is None and caller.grant is None:
            raise not_logged_in()
        return json_response({})

    async def get(self, request: Request) -> Response:
        """Answer GET /v2/token: Basic credentials, or none for what is public."""
        caller = await self._permission.caller(request)
        return await self._given(caller, request.query_params.getlist("scope"))

    async def post(self, request: Request) -> Response:
        """Answer POST /v2/token: the same with a form, where the password is a field."""
        form = await read_form(request)
        password = form.get("password") or form.get("refresh_token")
        if password is None:
            caller = await self._permission.caller(request)
        else:
            caller = await self._permission.caller_of(password)
        return await self._given(caller, [form.get("scope", "")])

    async def _given(self, caller: Caller, scopes: list[str]) -> Response:
        if caller.grant is not None:
            raise not_logged_in()  # a token for one thing is no way to one for more, or for longer
        now = self._hub.now()
        access = await self._access(caller, " ".join(scopes).split()[:MAX_SCOPES])
        grant = Grant(token_hash=caller.token_hash, access=access, expires_at=expiry(now))
        token = sealed(self._hub.box, grant)
        answer: dict[str, Any] = {
            "token": token,
            "access_token": token,
            "expires_in": LIFETIME_S,
            "issued_at": iso(now),
        }
        return json_response(answer, headers={"Cache-Control": "no-store"})

    async def _access(self, caller: Caller, scopes: list[str]) -> dict[str, list[str]]:
        """Return what of the wanted the account may do: less is no error, as clients expect."""
        access = dict[str, list[str]]()
        for scope in scopes:
            match = _SCOPE.fullmatch(scope)
            if match is None:
                continue
            try:
                repository = repository_of(match["name"])
            except DistributionError:
                continue
            wanted = {*match["actions"].split(","), *USUAL}
            allowed = await self._permission.actions(caller.account, repository)
            granted = allowed if "*" in wanted else allowed & wanted
            granted |= set(access.get(str(repository), ()))
            access[str(repository)] = sorted(granted)
        return access
