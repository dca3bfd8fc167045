"""What owners do with deployments: make, list, change, roll back, delete, run."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from coghub.database import deployments as rows
from coghub.database import models as model_rows
from coghub.database.audit import Audit, Note
from coghub.database.database import Database
from coghub.deployments.room import KeptRoom
from coghub.domain.account import Account
from coghub.domain.audit import Action
from coghub.domain.clock import Clock
from coghub.domain.deployment import Configuration, Deployment, Release, require_limits
from coghub.domain.errors import (
    Conflict,
    DeploymentNotFound,
    InputRejected,
    InvalidField,
    ModelNotFound,
    NotFound,
    VersionNotFound,
    VersionNotPermitted,
)
from coghub.domain.model import Model, Version, is_model_name
from coghub.domain.page import Cursor, Page
from coghub.domain.signals import Signals
from coghub.models.models import Models

UNUSED_FOR = timedelta(minutes=15)
"""A deployment that was used since is not deleted: somebody may count on it."""
PAGE_ROWS = 100
RELEASES = 100
"""The newest ones, which are shown."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a prediction of a deployment is of."""

    deployment: Deployment
    model: Model
    version: Version


class Deployments:
    """The deployments of a hub; each is its owner's alone, and administrators'."""

    def __init__(
        self, database: Database, models: Models, room: KeptRoom, signals: Signals, now: Clock
    ) -> None:
        self._database = database
        self._models = models
        self._room = room
        self._signals = signals
        self._now = now
        self._audit = Audit(now)

    async def create(
        self,
        account: Account,
        name: str,
        *,
        model: str,
        version_id: str,
        configuration: Configuration,
    ) -> Deployment:
        """Add a deployment with its first release; `model` is its full name.

        Raises:
            InputRejected: naming the field that cannot be.
            VersionNotPermitted: if the account may run no such version.
            Conflict: if there is one of that name.
        """
        if not is_model_name(name):
            text = "Use lowercase letters, digits, and single `.`, `_` or `-` between them"
            raise InputRejected([InvalidField("pattern", "name", text)])
        version, full_name = (
            await self._version(account, model, version_id),
            f"{account.name}/{name}",
        )
        note = self._noted(Action.DEPLOYMENT_CREATE, full_name, version, configuration)

        def add(connection: Connection) -> None:
            deployment_id = rows.add(connection, owner_id=account.id, name=name, now=self._now())
            self._release(connection, account, deployment_id, version, configuration)
            note(connection)

        try:
            await self._database.write(add)
        except IntegrityError as error:
            raise Conflict(f"A deployment of that name exists: {full_name}") from error
        self._signals.on_deployments_changed()
        return await self.get(account, account.name, name)

    async def get(self, account: Account, owner: str, name: str) -> Deployment:
        """Return a deployment.

        Raises:
            DeploymentNotFound: if there is none that the account may see.
        """
        found = await self._database.peek(lambda c: rows.by_name(c, owner, name))
        if found is None or (found.owner_id != account.id and not account.is_admin):
            raise DeploymentNotFound(f"{owner}/{name}")
        return found

    async def page(self, account: Account, cursor: Cursor | None = None) -> Page[Deployment]:
        """Return a page of an account's own deployments, the newest first."""
        return await self._database.read(
            lambda c: rows.page_of_owner(c, account.id, cursor, limit=PAGE_ROWS)
        )

    async def releases(self, deployment: Deployment) -> Sequence[Release]:
        """Return what a deployment that was found runs and ran, the newest first."""
        return await self._database.read(
            lambda c: rows.releases_of(c, deployment.id, limit=RELEASES)
        )

    async def change(
        self, account: Account, owner: str, name: str, fields: Mapping[str, Any]
    ) -> Deployment:
        """Make a release with other fields, and return the deployment; without any it stays.

        Args:
            account: who asks.
            owner: of the deployment.
            name: of the deployment.
            fields: `model` (alone: its latest version), `version`, and those of `Configuration`.

        Raises:
            DeploymentNotFound: if there is none that the account may see.
            InputRejected, VersionNotPermitted: as `create` does.
        """
        deployment = await self.get(account, owner, name)
        if not fields:
            return deployment
        current = deployment.current_release
        configuration = current.configuration.changed(fields)
        version = await self._chosen(account, current, fields)
        return await self._released(account, deployment, version, configuration)

    async def roll_back(self, account: Account, owner: str, name: str, number: int) -> Deployment:
        """Make a release that is like an older one.

        Raises:
            DeploymentNotFound: if there is none that the account may see.
            NotFound: if it has no such release, or the version of that is gone.
            InputRejected, VersionNotPermitted: as `create` does.
        """
        deployment = await self.get(account, owner, name)
        found = [it for it in await self.releases(deployment) if it.number == number]
        if not found:
            raise NotFound(f"The deployment has no release {number}: {deployment.full_name}")
        version = await self._version(account, found[0].model, found[0].version_id)
        return await self._released(account, deployment, version, found[0].configuration)

    async def delete(self, account: Account, owner: str, name: str) -> None:
        """Remove a deployment that is switched off, or scaled down, and that nobody uses.

        Raises:
            DeploymentNotFound: if there is none that the account may see.
            Conflict: if instances are kept for it, or it was used lately.
        """
        deployment = await self.get(account, owner, name)
        since = self._now() - UNUSED_FOR
        note = self._audit.of(Action.DEPLOYMENT_DELETE, deployment.full_name)

        def remove(connection: Connection) -> None:
            current = rows.by_name(connection, owner, name)
            if current is None or current.id != deployment.id:
                raise DeploymentNotFound(f"{owner}/{name}")
            if current.current_release.configuration.min_instances:
                raise Conflict("Instances are kept for it", hint="Set `min_instances` to 0 first")
            if rows.was_used_since(connection, current.id, since):
                raise Conflict(
                    "It was used within the last 15 minutes", hint="Try again when it was not"
                )
            rows.remove(connection, current.id)
            note(connection)

        await self._database.write(remove)
        self._signals.on_deployments_changed()

    async def target(self, account: Account, owner: str, name: str) -> Target:
        """Return what a prediction of a deployment is of.

        Raises:
            DeploymentNotFound: if there is none that the account may see.
            Conflict: if it is switched off.
            VersionNotPermitted: if its version is gone, or the account may not run it any more.
        """
        deployment = await self.get(account, owner, name)
        current = deployment.current_release
        if not current.configuration.max_instances:
            raise Conflict(
                f"The deployment is switched off: {deployment.full_name}",
                hint="Set `max_instances` above 0",
            )
        model, version = await self._both(account, current.model, current.version_id)
        return Target(deployment, model, version)

    async def _chosen(
        self, account: Account, current: Release, fields: Mapping[str, Any]
    ) -> Version:
        model = fields.get("model", current.model)
        if "version" in fields or model == current.model:
            return await self._version(account, model, fields.get("version", current.version_id))
        owner, _, name = model.partition("/")
        with suppress(ModelNotFound):
            found = await self._models.get(account, owner, name)
            if found.latest_version is not None:
                return found.latest_version
        raise VersionNotPermitted(NO_VERSION)

    async def _version(self, account: Account, model: str, version_id: str) -> Version:
        return (await self._both(account, model, version_id))[1]

    async def _both(
        self, account: Account, full_name: str, version_id: str
    ) -> tuple[Model, Version]:
        owner, _, name = full_name.partition("/")
        try:
            version, model = await self._models.version(account, owner, name, version_id)
        except (ModelNotFound, VersionNotFound) as error:
            raise VersionNotPermitted(NO_VERSION) from error
        return model, version

    async def _released(
        self,
        account: Account,
        deployment: Deployment,
        version: Version,
        configuration: Configuration,
    ) -> Deployment:
        full_name = deployment.full_name
        note = self._noted(Action.DEPLOYMENT_CHANGE, full_name, version, configuration)

        def release(connection: Connection) -> None:
            self._release(connection, account, deployment.id, version, configuration)
            note(connection)

        await self._database.write(release)
        self._signals.on_deployments_changed()
        return await self.get(account, deployment.owner, deployment.name)

    def _noted(
        self, action: Action, full_name: str, version: Version, configuration: Configuration
    ) -> Note:
        return self._audit.of(action, full_name, version=version.id, **asdict(configuration))

    def _release(
        self,
        connection: Connection,
        account: Account,
        deployment_id: int,
        version: Version,
        configuration: Configuration,
    ) -> None:
        require_limits(configuration)
        self._room.require(connection, account, deployment_id, configuration)
        if model_rows.version_of_model(connection, version.model_id, version.id) is None:
            raise VersionNotPermitted(NO_VERSION)
        is_there = rows.release(
            connection,
            deployment_id,
            version_key=version.key,
            configuration=configuration,
            created_by=account.name,
            now=self._now(),
        )
        if not is_there:
            raise DeploymentNotFound(str(deployment_id))


NO_VERSION = "The model has no such version, or you may not run it"
