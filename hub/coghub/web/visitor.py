"""Who looks at a page: HTTP Basic, the account's name and one of its tokens.

The browser asks for them at `/login` and sends them along from then on; the hub keeps no session
and sets no cookie. The API takes no Basic, so no page of others can make a browser call it.
"""

import base64
import binascii

from starlette.requests import Request

from coghub.accounts.accounts import Accounts
from coghub.domain.account import Account
from coghub.domain.errors import Unauthenticated

CHALLENGE = {"www-authenticate": 'Basic realm="coghub: your name and a token", charset="UTF-8"'}


async def visitor(request: Request, accounts: Accounts) -> Account | None:
    """Return who looks; None for a stranger, and for whoever gives a wrong token."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, token = (
            base64.b64decode(text.strip(), validate=True).decode("utf-8").partition(":")
        )
        account = await accounts.authenticate(token)
    except (binascii.Error, UnicodeDecodeError, Unauthenticated):
        return None
    return account if account.name == name else None
