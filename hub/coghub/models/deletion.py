"""Taking models and versions away; what was made of them is removed in the background."""

from sqlalchemy import Connection

from coghub.database import deletion as rows
from coghub.database import deployments as deployment_rows
from coghub.database import models as model_rows
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.domain.account import Account
from coghub.domain.audit import Action
from coghub.domain.clock import Clock
from coghub.domain.errors import Conflict, VersionNotFound
from coghub.domain.model import Visibility
from coghub.domain.signals import Signals
from coghub.models.access import Access
from coghub.storage.places import of_prediction_file
from coghub.storage.storage import Storage

BATCH = 200
"""Predictions that are removed in one transaction: others wait for it."""


class Deletion:
    """Takes away what an account owns, where nobody depends on it."""

    def __init__(
        self, database: Database, storage: Storage, access: Access, signals: Signals, now: Clock
    ) -> None:
        self._database = database
        self._storage = storage
        self._access = access
        self._signals = signals
        self._now = now
        self._audit = Audit(now)

    async def delete_model(self, account: Account, owner: str, name: str) -> None:
        """Remove a private model without versions.

        Raises:
            ModelNotFound, Forbidden: see `Access.writable`.
            Conflict: if it is public, or has versions.
        """
        model = await self._access.writable(account, owner, name)
        if model.visibility is not Visibility.PRIVATE:
            raise Conflict("Only private models can be deleted", hint="Make it private first")
        note = self._audit.of(Action.MODEL_DELETE, model.full_name)

        def delete(connection: Connection) -> None:
            if rows.has_versions(connection, model.id):
                raise Conflict(
                    "Only models without versions can be deleted", hint="Delete its versions first"
                )
            rows.delete_model(connection, model.id)
            note(connection)

        await self._database.write(delete)

    async def delete_version(
        self, account: Account, owner: str, name: str, version_id: str
    ) -> None:
        """Let a version of a private model exist no more; `purge` removes what is left of it.

        Raises:
            ModelNotFound, Forbidden: see `Access.writable`.
            VersionNotFound: if the model has no such version.
            Conflict: if the model is public, others ran the version, it is deployed, or runs now.
        """
        model = await self._access.writable(account, owner, name)
        if model.visibility is not Visibility.PRIVATE:
            raise Conflict("Only versions of private models can be deleted")
        now = self._now()
        note = self._audit.of(Action.VERSION_DELETE, model.full_name, version=version_id)

        def delete(connection: Connection) -> int:
            version = model_rows.version_of_model(connection, model.id, version_id)
            if version is None:
                raise VersionNotFound(version_id)
            if rows.was_run_by_others(connection, version.key, model.owner_id):
                raise Conflict("Another account has run this version")
            if deployment_rows.is_deployed(connection, version.key):
                raise Conflict("A deployment runs this version", hint="Change or delete it first")
            if rows.has_open_predictions(connection, version.key):
                raise Conflict(
                    "Predictions of this version have not ended", hint="Cancel them first"
                )
            current = model_rows.by_name(connection, owner, name) or model
            rows.mark_deleted(connection, current, version, now)
            note(connection)
            return version.key

        self._signals.on_version_deleted(await self._database.write(delete))

    async def purge(self) -> int:
        """Remove what deleted versions made, and return how many versions are gone for good.

        It may be called again at any time, also after it was interrupted.
        """
        keys = await self._database.read(rows.deleted_versions)
        for version_key in keys:
            await self._purge_predictions(version_key)
            await self._database.write(
                lambda c, version_key=version_key: rows.forget_version(c, version_key)
            )
        return len(keys)

    async def _purge_predictions(self, version_key: int) -> None:
        """Remove files before their rows: if it is interrupted, the rows still lead to the rest."""
        while True:
            ids, keys = await self._database.read(
                lambda c: rows.some_predictions(c, version_key, limit=BATCH)
            )
            if not ids:
                return
            await self._storage.delete(of_prediction_file(key) for key in keys)
            await self._database.write(lambda c, ids=ids: rows.delete_predictions(c, ids))
