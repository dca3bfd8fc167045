"""Who asks, and what they may do with a repository.

A request carries an API token as Basic's password or as Bearer, or a token of the token endpoint.
The latter says for what it was given out; what its account may do is looked up each time.
"""

import base64
import binascii
from dataclasses import dataclass

from starlette.requests import Request

from coghub.accounts.accounts import hash_of
from coghub.database import accounts as account_rows
from coghub.database import models as model_rows
from coghub.domain.account import Account
from coghub.domain.distribution_errors import RepositoryUnknown
from coghub.domain.errors import Forbidden, Unauthenticated
from coghub.domain.ids import TOKEN_PREFIX
from coghub.models.access import may_write
from coghub.parts import Hub
from coghub.registry.bearer import Grant, opened
from coghub.registry.names import Repository

PULL, PUSH, DELETE = "pull", "push", "delete"
EVERYTHING = frozenset({PULL, PUSH, DELETE})
NOTHING = frozenset[str]()
"""What may be done with repositories."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    account: Account | None
    """None is everyone."""
    token_hash: str | None = None
    grant: Grant | None = None
    """What its token was given out for; None if that is no limit."""


class Permission:
    """Decides for each request."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def require(self, request: Request, repository: Repository, action: str) -> Account:
        """Return the account that asks, which may do this.

        Raises:
            Unauthenticated: if it is not logged in, or its token is for something else.
            RepositoryUnknown: if it may not know of the repository.
            Forbidden: if it may, and not do this.
        """
        account = await self.allowed(request, repository, action)
        if account is None:
            raise not_logged_in()
        return account

    async def allowed(
        self, request: Request, repository: Repository, action: str
    ) -> Account | None:
        """Return the account that asks, which may do this; None if everyone may.

        Raises:
            Unauthenticated, RepositoryUnknown, Forbidden: see `require`.
        """
        caller = await self.caller(request)
        actions = await self.actions(caller.account, repository)
        if action not in actions:
            if caller.account is None:
                raise not_logged_in()
            if not actions:
                raise RepositoryUnknown(str(repository))
            raise Forbidden(f"The model belongs to another account: {repository}")
        if caller.grant is not None and not caller.grant.allows(str(repository), action):
            raise not_logged_in()
        return caller.account

    async def may_pull(self, request: Request, repository: Repository) -> bool:
        """Tell whether who asks may read another repository too, as to mount from it."""
        caller = await self.caller(request)
        if caller.grant is not None and not caller.grant.allows(str(repository), PULL):
            return False
        return PULL in await self.actions(caller.account, repository)

    async def actions(self, account: Account | None, repository: Repository) -> frozenset[str]:
        """Return what an account may do; a first push makes the model, where it may be made."""
        owner, name = repository.owner, repository.model
        model = await self._hub.database.read(lambda c: model_rows.by_name(c, owner, name))
        if model is None:
            return EVERYTHING if await self._may_make(account, owner) else NOTHING
        if account is not None and may_write(account, model):
            return EVERYTHING
        return frozenset({PULL}) if await self._hub.access.may_read(account, model) else NOTHING

    async def _may_make(self, account: Account | None, owner: str) -> bool:
        if account is None or account.name == owner:
            return account is not None
        if not account.is_admin:
            return False
        return await self._hub.database.read(lambda c: account_rows.by_name(c, owner)) is not None

    async def caller(self, request: Request) -> Caller:
        """Return who asks.

        Raises:
            Unauthenticated: if what the request carries is not valid.
        """
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "":
                return Caller(None)
            case "basic":
                token = _password(credentials)
            case "bearer" | "token":
                token = credentials.strip()
            case _:
                token = ""
        return await self.caller_of(token)

    async def caller_of(self, token: str) -> Caller:
        """Return whose token it is: an API token, or one of the token endpoint.

        Raises:
            Unauthenticated: if it is nobody's.
        """
        if token.startswith(TOKEN_PREFIX):
            return Caller(await self._hub.accounts.authenticate(token), hash_of(token))
        grant = opened(self._hub.box, token, self._hub.now())
        if grant is None:
            raise not_logged_in()
        if grant.token_hash is None:
            return Caller(None, None, grant)
        account = await self._hub.accounts.authenticate_hash(grant.token_hash)
        return Caller(account, grant.token_hash, grant)


def not_logged_in() -> Unauthenticated:
    """Return the refusal; old clients look for its first words."""
    return Unauthenticated("authentication required", hint="log in with `cog login`, and try again")


def _password(credentials: str) -> str:
    """Return the password of Basic's credentials; any user name will do."""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
