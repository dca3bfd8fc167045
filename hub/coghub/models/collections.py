"""What can be done with collections of models. Who may change them is for the caller to ask."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from coghub.database import model_collections as rows
from coghub.database.audit import Audit, Note
from coghub.database.database import Database
from coghub.domain.account import Account
from coghub.domain.audit import Action
from coghub.domain.clock import Clock
from coghub.domain.collection import Collection, is_slug
from coghub.domain.errors import CollectionNotFound, Conflict, RequestInvalid
from coghub.domain.model import Model
from coghub.models.access import Access

MAX_WORDS = 16
"""Of a search."""


class Collections:
    """The collections of a hub."""

    def __init__(self, database: Database, access: Access, now: Clock) -> None:
        self._database = database
        self._access = access
        self._now = now
        self._audit = Audit(now)

    async def create(self, slug: str, fields: Mapping[str, Any]) -> Collection:
        """Add a collection; `fields` are its `name`, `description` and `full_description`.

        Raises:
            RequestInvalid: if the slug cannot be one.
            Conflict: if there is one of that slug.
        """
        if not is_slug(slug):
            raise RequestInvalid(
                f"Not a name for a collection: {slug}",
                hint="Use lower case letters and digits, and single `-` between them",
            )
        now, note = self._now(), self._audit.of(Action.COLLECTION_CREATE, slug)
        try:
            await self._write(lambda c: rows.add(c, slug, now, fields), note)
        except IntegrityError as error:
            raise Conflict(f"A collection of that name exists: {slug}") from error
        return await self.get(slug)

    async def get(self, slug: str) -> Collection:
        """Return a collection.

        Raises:
            CollectionNotFound: if there is none.
        """
        found = await self._database.read(lambda c: rows.by_slug(c, slug))
        if found is None:
            raise CollectionNotFound(slug)
        return found

    async def all(self) -> Sequence[Collection]:
        """Return every collection, by name."""
        return await self._database.read(rows.every)

    async def search(self, text: str, *, limit: int) -> Sequence[Collection]:
        """Return collections that have each word of the text, by name."""
        words = text.split()[:MAX_WORDS]
        return await self._database.read(lambda c: rows.with_words(c, words, limit=limit))

    async def models(self, collection: Collection) -> Sequence[Model]:
        """Return all models of a collection, in their order."""
        return await self._database.read(lambda c: rows.models_of(c, collection.id))

    async def readable_models(
        self, account: Account | None, collection: Collection
    ) -> Sequence[Model]:
        """Return the models of a collection that the account may see, in their order."""
        found = await self.models(collection)
        return [model for model in found if await self._access.may_read(account, model)]

    async def change(self, collection: Collection, fields: Mapping[str, Any]) -> None:
        """Change what is said of a collection."""
        note = self._changed(collection, changed=sorted(fields))
        await self._write(lambda c: rows.change(c, collection.id, fields), note)

    async def remove(self, collection: Collection) -> None:
        """Remove a collection; its models stay."""
        note = self._audit.of(Action.COLLECTION_DELETE, collection.slug)
        await self._write(lambda c: rows.remove(c, collection.id), note)

    async def put(self, collection: Collection, model: Model) -> None:
        """Put a model at the end of a collection."""
        note = self._changed(collection, added=model.full_name)
        await self._write(lambda c: rows.put(c, collection.id, model.id), note)

    async def take(self, collection: Collection, model: Model) -> None:
        """Take a model out of a collection."""
        note = self._changed(collection, removed=model.full_name)
        await self._write(lambda c: rows.take(c, collection.id, model.id), note)

    def _changed(self, collection: Collection, **details: Any) -> Note:
        return self._audit.of(Action.COLLECTION_CHANGE, collection.slug, **details)

    async def _write(self, change: Callable[[Connection], None], note: Note) -> None:
        def both(connection: Connection) -> None:
            change(connection)
            note(connection)

        await self._database.write(both)
