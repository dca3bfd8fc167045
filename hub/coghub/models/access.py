"""Who may do what with a model; the one place that decides it."""

from collections.abc import Awaitable, Callable

from coghub.database import models as rows
from coghub.database.database import Database
from coghub.domain.account import Account
from coghub.domain.errors import Forbidden, ModelNotFound
from coghub.domain.model import Model, Visibility


class Access:
    """Finds models for an account: what it may not see does not exist for it."""

    def __init__(self, database: Database, *, allow_anonymous: bool) -> None:
        self._database = database
        self._allow_anonymous = allow_anonymous

    async def may_read(self, account: Account | None, model: Model) -> bool:
        """Tell whether the account may see the model, run it, and pull its versions."""
        if account is None:
            return self._allow_anonymous and model.visibility is Visibility.PUBLIC
        if model.visibility is Visibility.PUBLIC or may_write(account, model):
            return True
        return await self._database.peek(lambda c: rows.is_shared(c, model.id, account.id))

    async def readable(self, account: Account | None, owner: str, name: str) -> Model:
        """Return a model that the account may see.

        Raises:
            ModelNotFound: if there is none, or it is private to others.
        """
        return await self._found(owner, name, lambda it: self.may_read(account, it))

    async def visible(self, account: Account | None, owner: str, name: str) -> Model:
        """Return a model whose page the visitor may see: strangers see public ones.

        Raises:
            ModelNotFound: if there is none, or it is private to others.
        """
        return await self._found(owner, name, lambda it: self.may_see(account, it))

    async def may_see(self, account: Account | None, model: Model) -> bool:
        """Tell whether the visitor may see the model's page."""
        return model.visibility is Visibility.PUBLIC or await self.may_read(account, model)

    async def _found(self, owner: str, name: str, may: Callable[[Model], Awaitable[bool]]) -> Model:
        model = await self._database.peek(lambda c: rows.by_name(c, owner, name))
        if model is None or not await may(model):
            raise ModelNotFound(f"{owner}/{name}")
        return model

    async def writable(self, account: Account | None, owner: str, name: str) -> Model:
        """Return a model that the account may change.

        Raises:
            ModelNotFound: if there is none that the account may see.
            Forbidden: if it may see it, and no more.
        """
        model = await self.readable(account, owner, name)
        if account is None or not may_write(account, model):
            raise Forbidden(f"The model belongs to another account: {model.full_name}")
        return model


def may_write(account: Account, model: Model) -> bool:
    """Tell whether the account may change the model and push to it."""
    return account.is_admin or account.id == model.owner_id


def owns(account: Account, full_name: str) -> bool:
    """Tell the same of a model that only its full name is known of."""
    return account.is_admin or account.name == full_name.partition("/")[0]
