"""Makes ids and secrets: unguessable, and readable aloud where people see them."""

import base64
import secrets

TOKEN_PREFIX = "chub_"  # noqa: S105 - how tokens begin, no token itself
PREDICTION_ID_BYTES = 16
"""128 bits: an id is enough to cancel what its owner's token may read, and is never reused."""


def new_id() -> str:
    """Return an id of 26 lowercase letters and digits, as Replicate's are."""
    text = base64.b32encode(secrets.token_bytes(PREDICTION_ID_BYTES)).decode("ascii")
    return text.rstrip("=").lower()


def new_token() -> str:
    """Return a new API token, such as `chub_…`; it is shown once and stored as a hash."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_key() -> str:
    """Return a part of a URL that nobody can guess."""
    return secrets.token_urlsafe(32)
