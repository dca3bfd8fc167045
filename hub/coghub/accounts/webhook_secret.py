"""The key with which an account's webhooks are signed, and the signature.

Source: Standard Webhooks 1.0, "Symmetric signatures".
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy import Connection

from coghub.database import accounts as rows
from coghub.database.database import Database
from coghub.database.encryption import Box

PREFIX = "whsec_"
KEY_BYTES = 24
"""What Standard Webhooks asks for at least; 24 bytes are base64 without padding."""


class WebhookSecrets:
    """The keys of a hub's accounts; each is made when it is first asked for."""

    def __init__(self, database: Database, box: Box) -> None:
        self._database = database
        self._box = box

    async def get(self, account_id: int) -> str:
        """Return an account's key as receivers are given it: `whsec_` and standard base64.

        Raises:
            KeyFileInvalid: if it was sealed with another key.
        """
        sealed = await self._database.read(lambda c: rows.webhook_secret(c, account_id))
        if sealed is None:
            sealed = await self._database.write(lambda c: self._made(c, account_id))
        return PREFIX + base64.b64encode(self._box.open(sealed)).decode("ascii")

    def _made(self, connection: Connection, account_id: int) -> bytes:
        """Return the key that is there: another request may have been first."""
        new = self._box.seal(secrets.token_bytes(KEY_BYTES))
        rows.set_webhook_secret(connection, account_id, new)
        return rows.webhook_secret(connection, account_id) or new


def signed_headers(secret: str, delivery_id: str, *, now: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers by which a receiver knows who sent a body, and when."""
    timestamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([delivery_id.encode(), timestamp.encode(), body])
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode('ascii')}",
    }
