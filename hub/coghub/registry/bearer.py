"""Short-lived tokens for the registry, as its token endpoint gives them out.

A token is sealed with the hub's key. It holds no secret: the hash of the API token that it was
given for, so that it ends with that one, and what it is good for.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from coghub.database.encryption import Box
from coghub.domain.errors import KeyFileInvalid

LIFETIME_S = 600
"""Docker renews by itself; an upload is checked at the start of each request only."""
KIND = "registry-bearer"
"""Nothing else that is sealed with the same key can be shown as a token."""
MAX_TOKEN_CHARACTERS = 16_384


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token stands for."""

    token_hash: str | None
    """Of the API token; None for everyone."""
    access: dict[str, list[str]]
    """Repository → what may be done with it: `pull`, `push`, `delete`."""
    expires_at: int
    kind: str = KIND

    def allows(self, repository: str, action: str) -> bool:
        """Tell whether the token is good for this."""
        return action in self.access.get(repository, ())


def sealed(box: Box, grant: Grant) -> str:
    """Return the token of a grant."""
    return box.seal(msgspec.json.encode(grant)).decode("ascii")


def opened(box: Box, token: str, now: datetime) -> Grant | None:
    """Return what a token stands for; None if it is not ours, or no longer good."""
    try:
        content = box.open(token[:MAX_TOKEN_CHARACTERS].encode("ascii"))
        grant = msgspec.json.decode(content, type=Grant)
    except (KeyFileInvalid, UnicodeEncodeError, msgspec.MsgspecError):
        return None
    if grant.kind != KIND or now >= datetime.fromtimestamp(grant.expires_at, UTC):
        return None
    return grant


def expiry(now: datetime) -> int:
    """Return when a token that is given out now ends, in seconds since 1970."""
    return int((now + timedelta(seconds=LIFETIME_S)).timestamp())
