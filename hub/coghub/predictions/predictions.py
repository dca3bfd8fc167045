"""What clients do with predictions: make, get, list, cancel, wait for, follow."""

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from coghub.database import attempts, prediction_files
from coghub.database import prediction_lists as lists
from coghub.database import predictions as rows
from coghub.database.database import Database
from coghub.database.encryption import Box
from coghub.database.predictions import Filter
from coghub.domain.account import Account
from coghub.domain.clock import Clock
from coghub.domain.deployment import Deployment
from coghub.domain.errors import CoghubError, PredictionNotFound, QueueFull
from coghub.domain.ids import new_id, new_key
from coghub.domain.model import Model, Version
from coghub.domain.page import Cursor, Page
from coghub.domain.prediction import (
    End,
    Event,
    Prediction,
    Source,
    Status,
    WebhookEvent,
    output_of,
)
from coghub.domain.signals import Hold, Signals
from coghub.files.inline import InlineFiles
from coghub.files.prediction_files import PredictionFiles
from coghub.hub_settings import HubSettings
from coghub.models.catalog import Catalog
from coghub.predictions import secrets
from coghub.predictions.from_rows import NOT_YET, ROW_FIELDS, prediction_of
from coghub.predictions.inline_inputs import without_files
from coghub.predictions.open_told import OpenTold, Told
from coghub.predictions.validation import InputChecks

RETRY_AFTER_S = 5
"""For a client whose prediction found the queue full."""
PAGE_ROWS = 100
"""Of a list."""
EVERYTHING = Filter()
STREAM_PAGE = 500
"""Events that are read at once for one who follows."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks for."""

    model: Model
    version: Version
    input: Mapping[str, Any]
    base_url: str
    """How the client reaches the hub."""
    source: Source = Source.API
    webhook: str | None = None
    webhook_events: tuple[WebhookEvent, ...] | None = None
    deadline: datetime | None = None
    destination: str | None = None
    """Of a training: see `Prediction.destination`; the version's schema is then the training's."""
    is_inline: bool = False
    """It waits for the prediction: see `Prediction.is_inline`."""
    deployment: Deployment | None = None
    """By which it is asked for: the version is that of its current release."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is new of a prediction."""

    status: Status
    """As it was before the events were read: what follows is never older."""
    events: Sequence[Event] = ()
    is_silent: bool = False
    """Nothing is new."""


class Predictions:
    """The predictions of a hub, as far as an account may see them."""

    def __init__(  # noqa: PLR0913 - the parts it is joined of, each of another type
        self,
        database: Database,
        catalog: Catalog,
        signals: Signals,
        box: Box,
        settings: HubSettings,
        now: Clock,
        *,
        files: PredictionFiles,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._signals = signals
        self._box = box
        self._settings = settings
        self._now = now
        self._files = files
        self._checks = InputChecks()
        self._training_checks = InputChecks()
        self._open_told = OpenTold()

    def check(
        self, version: Version, given: Mapping[str, Any], *, is_training: bool = False
    ) -> None:
        """Do nothing if an input fits a version's schema.

        Raises:
            InputRejected: naming everything that does not.
        """
        checks = self._training_checks if is_training else self._checks
        checks.check(version, given)

    async def create(self, account: Account, order: Order, hold: Hold | None = None) -> Prediction:
        """Make a prediction that waits for an instance; the hold hears of its end.

        Raises:
            InputRejected: if the input does not fit the version's schema.
            QueueFull: if too many wait.
            DiskFull: if there is no space for a file in the input.
        """
        schema = order.version.openapi_schema
        self.check(order.version, order.input, is_training=order.destination is not None)
        shown, sealed = secrets.without_secrets(schema, order.input, self._box)
        inline = InlineFiles(self._files)
        try:
            shown = await without_files(schema, shown, inline)
            values = self._values(account, order, shown, sealed)
            if hold is not None:
                hold.on(values["id"])
            made = await asyncio.shield(self._make(account, values, inline.keys))
        except CoghubError:
            await self._files.remove(inline.keys)
            raise
        return prediction_of(made, order.version, order.model.full_name)

    async def _make(
        self, account: Account, values: Mapping[str, Any], file_keys: Sequence[str]
    ) -> Mapping[str, Any]:
        """Add a row and have it run; where a slot is free, both are one change of the database.

        Also where whoever asks for it goes away meanwhile: what was made is to run.
        """
        waiting = rows.waiting_of({**NOT_YET, **values})
        slot = self._signals.on_making(waiting)
        made = {**values, **slot.columns} if slot else values
        try:
            await self._database.write(lambda c: self._add(c, account, made, file_keys))
        except BaseException:
            if slot:
                slot.free()
            raise
        if slot:
            slot.begin(made)
        else:
            self._signals.on_queued(waiting)
        return {**NOT_YET, **made}

    def _values(
        self, account: Account, order: Order, shown: Mapping[str, Any], sealed: bytes | None
    ) -> dict[str, Any]:
        return {
            "id": new_id(),
            "account_id": account.id,
            "model_id": order.model.id,
            "version_key": order.version.key,
            "status": Status.STARTING,
            "source": order.source,
            "input": shown,
            "secret_input": sealed,
            "webhook": order.webhook,
            "webhook_events": order.webhook_events,
            "stream_key": new_key(),
            "base_url": order.base_url,
            "is_inline": order.is_inline,
            "deadline": order.deadline,
            "destination": order.destination,
            "deployment_id": order.deployment and order.deployment.id,
            "deployment": order.deployment and order.deployment.name,
            "created_at": self._now(),
        }

    def _add(
        self,
        connection: Connection,
        account: Account,
        values: Mapping[str, Any],
        file_keys: Sequence[str],
    ) -> None:
        self._require_room(connection, account)
        rows.add(connection, values)
        if file_keys:
            prediction_files.give_to(connection, values["id"], file_keys)

    def _require_room(self, connection: Connection, account: Account) -> None:
        limits = self._settings
        total, own = rows.count_open(connection, account.id)
        if own >= limits.account_queue_limit:
            raise QueueFull(
                f"Request was throttled. {limits.account_queue_limit} of your predictions wait",
                RETRY_AFTER_S,
            )
        if total >= limits.queue_limit:
            raise QueueFull("Request was throttled. The hub's queue is full", RETRY_AFTER_S)

    async def get(self, account: Account, prediction_id: str) -> Prediction:
        """Return a prediction, with what it has told so far.

        Raises:
            PredictionNotFound: if there is none that the account may see.
        """
        prediction = await self.find(prediction_id)
        if prediction.account_id != account.id and not account.is_admin:
            raise PredictionNotFound(prediction_id)
        return prediction

    async def find(self, prediction_id: str) -> Prediction:
        """Return a prediction, whoever asks.

        Raises:
            PredictionNotFound: if there is none.
        """
        return await self._shown(lambda c: rows.by_id(c, prediction_id), prediction_id)

    async def by_stream_key(self, stream_key: str) -> Prediction:
        """Return the prediction whose stream has this key; who knows it may follow.

        Raises:
            PredictionNotFound: if there is none.
        """
        return await self._shown(lambda c: rows.by_stream_key(c, stream_key), stream_key)

    async def page(
        self,
        account: Account,
        wanted: Filter = EVERYTHING,
        cursor: Cursor | None = None,
        *,
        limit: int = PAGE_ROWS,
    ) -> Page[Prediction]:
        """Return a page of an account's predictions, the newest first."""

        def read(connection: Connection) -> Page[tuple[RowMapping, Told]]:
            page = lists.of_account(connection, account.id, wanted, cursor, limit=limit)
            found = [(row, self._open_told.of(connection, row)) for row in page.items]
            return Page(found, page.next, page.previous)

        page = await self._database.read(read)
        shown = [await self._prediction(row, told) for row, told in page.items]
        return Page(shown, page.next, page.previous)

    async def cancel(self, account: Account, prediction_id: str) -> Prediction:
        """Cancel a prediction, at any stage; one that has ended stays as it is.

        Raises:
            PredictionNotFound: if there is none that the account may see.
        """
        await self.get(account, prediction_id)
        await self.end(prediction_id, End(Status.CANCELED))
        return await self.find(prediction_id)

    async def end(self, prediction_id: str, end: End) -> bool:
        """End a prediction from outside; its instance is told to stop. False if it has ended.

        Also where whoever asks for it goes away meanwhile: the row is written all the same.
        """
        return await asyncio.shield(self._end(prediction_id, end))

    async def _end(self, prediction_id: str, end: End) -> bool:
        now = self._now()
        has_ended = await self._database.write(
            lambda c: attempts.finish(c, prediction_id, end, now)
        )
        if has_ended:
            self._signals.ended_by_status[end.status] += 1
            self._signals.on_ended(prediction_id)
            self._signals.ended(prediction_id)
        return has_ended

    async def wait(self, prediction: Prediction, timeout_s: float) -> Prediction:
        """Return a prediction when it has ended, or as it is when the time is over.

        A hub that stops has no time left.
        """
        with self._signals.holding() as hold:
            hold.on(prediction.id)
            if (await self._status(prediction.id)).is_final:
                return await self.find(prediction.id)
            return await self.held(prediction, hold, timeout_s)

    async def held(self, prediction: Prediction, hold: Hold, timeout_s: float) -> Prediction:
        """Return as `wait` does a prediction of whose end the hold hears."""
        ended = None if self._signals.is_stopping else await hold.end(timeout_s)
        return await self.find(prediction.id) if ended is None else replace(prediction, **ended)

    async def follow(
        self, prediction: Prediction, *, after: int = 0, alive_s: float = math.inf
    ) -> AsyncGenerator[Event | None]:
        """Yield what a prediction tells, from behind a sequence number on, until it has ended.

        It also returns when the hub stops; the client goes on after its restart.

        Args:
            prediction: which one.
            after: the last event that is known already.
            alive_s: yield None as a sign of life when nothing happened for so long, in seconds.
        """
        async for batch in self.watch(prediction, after=after, alive_s=alive_s):
            for event in batch.events:
                yield event
            if batch.is_silent:
                yield None

    async def watch(
        self, prediction: Prediction, *, after: int = 0, alive_s: float = math.inf
    ) -> AsyncGenerator["Batch"]:
        """Yield what a prediction tells as `follow` does, together with where it stands.

        A change of its status alone is a batch too.
        """
        with self._signals.following(prediction.id) as changed:
            while True:
                changed.clear()
                status = await self._status(prediction.id)
                is_told = False
                async for events in self._events(prediction.id, after):
                    is_told = True
                    after = events[-1].sequence
                    yield Batch(status, events)
                if not is_told:
                    yield Batch(status)
                if status.is_final or self._signals.is_stopping:
                    return
                if not changed.is_set() and not await _is_set(changed, alive_s):
                    yield Batch(status, is_silent=True)

    async def _events(self, prediction_id: str, after: int) -> AsyncGenerator[Sequence[Event]]:
        """Yield what there is, in pages."""
        while True:
            start = after
            events = await self._database.read(
                lambda c, start=start: rows.events_of(
                    c, prediction_id, after=start, limit=STREAM_PAGE
                )
            )
            if events:
                yield events
                after = events[-1].sequence
            if len(events) < STREAM_PAGE:
                return

    async def _status(self, prediction_id: str) -> Status:
        status = await self._database.read(lambda c: rows.status_of(c, prediction_id))
        if status is None:
            raise PredictionNotFound(prediction_id)
        return status

    async def _shown(self, query: rows.Query, key: str) -> Prediction:
        def read(connection: Connection) -> tuple[RowMapping, Told] | None:
            row = query(connection)
            return None if row is None else (row, self._open_told.of(connection, row))

        found = await self._database.read(read)
        if found is None:
            raise PredictionNotFound(key)
        return await self._prediction(*found)

    async def _prediction(self, row: RowMapping, told: Told) -> Prediction:
        entry = await self._catalog.get(row["version_key"])
        fields: Mapping[str, Any] = {name: row[name] for name in ROW_FIELDS}
        if told.last:
            fields = {**fields, "logs": told.logs, "output": output_of(told.chunks)}
        return prediction_of(fields, entry.version, entry.model)


async def _is_set(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for an event and tell whether it came in time."""
    try:
        async with asyncio.timeout(None if timeout_s == math.inf else timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
