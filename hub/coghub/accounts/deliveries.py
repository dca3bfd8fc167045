"""The webhooks of an account: what was told to whom, how that went, and once more."""

from coghub.database import webhooks as rows
from coghub.database.database import Database
from coghub.database.webhooks import DeliveryRecord
from coghub.domain.account import Account
from coghub.domain.clock import Clock
from coghub.domain.errors import NotFound
from coghub.domain.page import Cursor, Page

PAGE_ROWS = 25


class Deliveries:
    """The calls about ended predictions."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def page(self, account: Account, cursor: Cursor | None) -> Page[DeliveryRecord]:
        """Return a page of an account's calls, the newest first."""
        return await self._database.read(
            lambda c: rows.of_account(c, account.id, cursor, limit=PAGE_ROWS)
        )

    async def replay(self, account: Account, delivery_id: str) -> None:
        """Make a call again, whatever came of it; it keeps its id.

        Raises:
            NotFound: if the account has none of that id.
        """
        now = self._now()
        if not await self._database.write(lambda c: rows.replay(c, account.id, delivery_id, now)):
            raise NotFound(f"No webhook with id `{delivery_id}`")
