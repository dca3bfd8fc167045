"""What can be done with models and versions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from coghub.database import accounts as account_rows
from coghub.database import model_lists as lists
from coghub.database import models as rows
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.database.models import Holder
from coghub.domain.account import Account
from coghub.domain.audit import Action
from coghub.domain.clock import Clock
from coghub.domain.errors import (
    AccountNotFound,
    Conflict,
    Forbidden,
    RequestInvalid,
    VersionNotFound,
)
from coghub.domain.model import Model, ModelOrder, Version, Visibility, is_model_name
from coghub.domain.page import Cursor, Page
from coghub.models.access import Access
from coghub.models.catalog import Catalog

PAGE_ROWS = 25
"""Each comes with its latest version's schema."""
MAX_WORDS = 16
"""Of a search."""


class Models:
    """The models of a hub, as far as an account may see and change them."""

    def __init__(self, database: Database, access: Access, catalog: Catalog, now: Clock) -> None:
        self._database = database
        self._access = access
        self._catalog = catalog
        self._now = now
        self._audit = Audit(now)

    async def create(
        self,
        account: Account,
        owner: str,
        name: str,
        *,
        visibility: Visibility = Visibility.PRIVATE,
        fields: Mapping[str, Any] | None = None,
    ) -> Model:
        """Add a model; `fields` are further columns, such as `description` and `hardware`.

        Raises:
            Forbidden: if the owner is another account.
            AccountNotFound: if there is no such owner.
            RequestInvalid: if the name cannot be one.
            Conflict: if there is one of that name.
        """
        if account.name != owner and not account.is_admin:
            raise Forbidden(f"Models of `{owner}` can be made by that account only")
        if not is_model_name(name):
            raise RequestInvalid(
                f"Not a name for a model: {name}",
                hint="Use lower case letters, digits, and single `-`, `_` or `.` between them",
            )
        now, full_name = self._now(), f"{owner}/{name}"
        note = self._audit.of(Action.MODEL_CREATE, full_name, visibility=visibility)

        def add(connection: Connection) -> None:
            owning = account_rows.by_name(connection, owner)
            if owning is None:
                raise AccountNotFound(owner)
            columns = {**(fields or {}), "visibility": visibility}
            rows.add(connection, owner_id=owning.id, name=name, now=now, fields=columns)
            note(connection)

        try:
            await self._database.write(add)
        except IntegrityError as error:
            raise Conflict(f"A model of that name exists: {full_name}") from error
        return await self._access.readable(account, owner, name)

    async def get(self, account: Account | None, owner: str, name: str) -> Model:
        """Return a model.

        Raises:
            ModelNotFound: if there is none that the account may see.
        """
        return await self._access.readable(account, owner, name)

    async def visible(self, account: Account | None, owner: str, name: str) -> Model:
        """Return a model whose page the visitor may see.

        Raises:
            ModelNotFound: if there is none.
        """
        return await self._access.visible(account, owner, name)

    async def change(
        self, account: Account, owner: str, name: str, fields: Mapping[str, Any]
    ) -> Model:
        """Change columns of a model, such as `description`, and return it.

        Raises:
            ModelNotFound, Forbidden: see `Access.writable`.
        """
        model = await self._access.writable(account, owner, name)
        note = self._audit.of(Action.MODEL_CHANGE, model.full_name, **changed(model, fields))

        def change(connection: Connection) -> None:
            rows.change(connection, model.id, fields)
            note(connection)

        await self._database.write(change)
        return await self._access.readable(account, owner, name)

    async def public(self, order: ModelOrder, cursor: Cursor | None) -> Page[Model]:
        """Return a page of the models that everyone may see."""
        return await self._database.read(lambda c: lists.public(c, order, cursor, limit=PAGE_ROWS))

    async def search(self, text: str, *, limit: int = PAGE_ROWS) -> Sequence[Model]:
        """Return public models that have each word of the text, most used first."""
        words = text.split()[:MAX_WORDS]
        return await self._database.read(lambda c: lists.with_words(c, words, limit=limit))

    async def of_owner(self, account: Account) -> Sequence[Model]:
        """Return an account's own models, by name."""
        return await self._database.read(lambda c: lists.of_owner(c, account.name))

    async def versions(self, account: Account | None, owner: str, name: str) -> Sequence[Version]:
        """Return a model's versions, newest first.

        Raises:
            ModelNotFound: if there is none that the account may see.
        """
        return await self.versions_of(await self._access.readable(account, owner, name))

    async def versions_of(self, model: Model) -> Sequence[Version]:
        """Return the versions of a model that was found, newest first."""
        return await self._database.read(lambda c: rows.versions_of_model(c, model.id))

    async def version(
        self, account: Account | None, owner: str, name: str, version_id: str
    ) -> tuple[Version, Model]:
        """Return a version of a model.

        Raises:
            ModelNotFound: if there is no model that the account may see.
            VersionNotFound: if it has no such version.
        """
        holder = await self._database.peek(lambda c: rows.holder_named(c, owner, name, version_id))
        if holder is None or not await self._access.may_read(account, holder.model):
            await self._access.readable(account, owner, name)
            raise VersionNotFound(version_id)
        return await self._both(holder)

    async def version_of(self, model: Model, version_id: str) -> Version:
        """Return a version of a model that was found.

        Raises:
            VersionNotFound: if it has no such version.
        """
        version = await self._database.peek(
            lambda c: rows.version_of_model(c, model.id, version_id)
        )
        if version is None:
            raise VersionNotFound(version_id)
        return version

    async def version_by_id(self, account: Account, version_id: str) -> tuple[Version, Model]:
        """Return a version that the account may run, by its id alone; its own models come first.

        Raises:
            VersionNotFound: if there is none.
        """
        found = await self._database.peek(lambda c: rows.holders_of(c, version_id))
        for holder in sorted(found, key=lambda it: it.model.owner_id != account.id):
            if await self._access.may_read(account, holder.model):
                return await self._both(holder)
        raise VersionNotFound(version_id)

    async def _both(self, holder: Holder) -> tuple[Version, Model]:
        """Return the version and the model; versions are remembered."""
        version = (await self._catalog.get(holder.version_key)).version
        latest_key = holder.latest_version_key
        latest = None if latest_key is None else (await self._catalog.get(latest_key)).version
        return version, replace(holder.model, latest_version=latest)


SHORT = ("visibility", "hardware")
"""Columns whose values an entry of the audit trail has: before and after."""


def changed(model: Model, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a change of these columns."""
    moved = {
        name: {"from": getattr(model, name), "to": fields[name]}
        for name in SHORT
        if name in fields and fields[name] != getattr(model, name)
    }
    texts = sorted(name for name in fields if name not in SHORT)
    return {**moved, "texts": texts} if texts else moved
