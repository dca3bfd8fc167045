"""With whom a private model is shared. Who may change it is for the caller to ask."""

from collections.abc import Sequence

from sqlalchemy import Connection

from coghub.database import accounts
from coghub.database import models as rows
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.domain.audit import Action
from coghub.domain.clock import Clock, utc_now
from coghub.domain.errors import AccountNotFound
from coghub.domain.model import Model


class Sharing:
    """The shares of a hub's models."""

    def __init__(self, database: Database, now: Clock = utc_now) -> None:
        self._database = database
        self._audit = Audit(now)

    async def names(self, model: Model) -> Sequence[str]:
        """Return the accounts that a model is shared with, by name."""
        return await self._database.read(lambda c: rows.shared_with(c, model.id))

    async def add(self, model: Model, name: str) -> None:
        """Let an account see, run and pull a private model.

        Raises:
            AccountNotFound: if there is no such account.
        """
        note = self._audit.of(Action.MODEL_SHARE, model.full_name, account=name)

        def share(connection: Connection) -> None:
            rows.share(connection, model.id, _account_id(connection, name))
            note(connection)

        await self._database.write(share)

    async def remove(self, model: Model, name: str) -> None:
        """Let it no more.

        Raises:
            AccountNotFound: if there is no such account.
        """
        note = self._audit.of(Action.MODEL_UNSHARE, model.full_name, account=name)

        def unshare(connection: Connection) -> None:
            rows.unshare(connection, model.id, _account_id(connection, name))
            note(connection)

        await self._database.write(unshare)


def _account_id(connection: Connection, name: str) -> int:
    account = accounts.by_name(connection, name)
    if account is None:
        raise AccountNotFound(name)
    return account.id
