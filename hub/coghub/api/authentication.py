"""Who asks: from the Authorization header, `Bearer` or the older `Token`."""

from starlette.requests import Request

from coghub.accounts.accounts import Accounts
from coghub.domain.account import Account
from coghub.domain.errors import Unauthenticated
from coghub.parts import Hub

SCHEMES = frozenset({"bearer", "token"})


async def require_account(request: Request, accounts: Accounts) -> Account:
    """Return the account whose token the request carries.

    Raises:
        Unauthenticated: if it carries none, or one that is not valid.
    """
    header = request.headers.get("authorization")
    if header is None:
        raise Unauthenticated("You did not pass an authentication token")
    scheme, _, token = header.partition(" ")
    if scheme.lower() not in SCHEMES or not token.strip():
        raise Unauthenticated("You did not pass a valid authentication token")
    return await accounts.authenticate(token.strip())


async def optional_account(request: Request, hub: Hub) -> Account | None:
    """Return who asks; None for a stranger, where the hub lets strangers read.

    Raises:
        Unauthenticated: as `require_account`.
    """
    if hub.settings.allow_anonymous and "authorization" not in request.headers:
        return None
    return await require_account(request, hub.accounts)
