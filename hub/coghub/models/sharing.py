"""With whom a private model is shared. Who may change it is for the caller to ask."""

from collections.abc import Sequence

from sqlalchemy import Connection

from coghub.database import accounts
from coghub.database import models as rows
from coghub.database.database import Database
from coghub.domain.errors import AccountNotFound
from coghub.domain.model import Model


class Sharing:
    """The shares of a hub's models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def names(self, model: Model) -> Sequence[str]:
        """Return the accounts that a model is shared with, by name."""
        return await self._database.read(lambda c: rows.shared_with(c, model.id))

    async def add(self, model: Model, name: str) -> None:
        """Let an account see, run and pull a private model.

        Raises:
            AccountNotFound: if there is no such account.
        """
        await self._database.write(lambda c: rows.share(c, model.id, _account_id(c, name)))

    async def remove(self, model: Model, name: str) -> None:
        """Let it no more.

        Raises:
            AccountNotFound: if there is no such account.
        """
        await self._database.write(lambda c: rows.unshare(c, model.id, _account_id(c, name)))


def _account_id(connection: Connection, name: str) -> int:
    account = accounts.by_name(connection, name)
    if account is None:
        raise AccountNotFound(name)
    return account.id
