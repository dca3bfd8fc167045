"""Queries on webhook deliveries: the calls about ended predictions, which must not get lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from coghub.database.paging import mapped, page_of
from coghub.database.schema import predictions, webhook_attempts, webhook_deliveries
from coghub.domain.ids import new_id
from coghub.domain.page import Cursor, Page
from coghub.domain.prediction import DEFAULT_WEBHOOK_EVENTS, WebhookEvent


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call that is due."""

    id: str
    """The header `webhook-id`: the same over all attempts."""
    account_id: int
    prediction_id: str
    host: str
    url: str
    attempts: int
    """How many were made already."""


COLUMNS = (
    webhook_deliveries.c.id,
    webhook_deliveries.c.account_id,
    webhook_deliveries.c.prediction_id,
    webhook_deliveries.c.host,
    webhook_deliveries.c.url,
    webhook_deliveries.c.attempts,
)


def add_completed(connection: Connection, prediction_id: str, now: datetime) -> bool:
    """Note that a prediction's webhook is to hear of its end, and tell whether it has one.

    To be called once, in the transaction that ends the prediction.
    """
    query = select(
        predictions.c.account_id, predictions.c.webhook, predictions.c.webhook_events
    ).where(predictions.c.id == prediction_id)
    account_id, url, events = connection.execute(query).one()
    wanted = DEFAULT_WEBHOOK_EVENTS if events is None else events
    if not url or WebhookEvent.COMPLETED not in wanted:
        return False
    values = {
        "id": new_delivery_id(),
        "account_id": account_id,
        "prediction_id": prediction_id,
        "event": WebhookEvent.COMPLETED,
        "host": host_of(url),
        "url": url,
        "attempts": 0,
        "created_at": now,
        "next_at": now,
    }
    connection.execute(insert(webhook_deliveries).values(values))
    return True


def new_delivery_id() -> str:
    """Return an id as Standard Webhooks has them."""
    return f"msg_{new_id()}"


def host_of(url: str) -> str:
    """Return whom a URL calls, for counting; empty where it is no URL."""
    try:
        return (urlsplit(url).hostname or "")[:255]
    except ValueError:
        return ""


def due(
    connection: Connection, now: datetime, *, per_receiver: int, per_account: int
) -> Sequence[Delivery]:
    """Return what is to be sent now; of each account's hosts, and of each account, only a few.

    Who has a thousand calls waiting for a slow host leaves room for everyone else.
    """
    found = list[Delivery]()
    of_account = Counter[int]()
    for account_id, host in _receivers(connection, now):
        room = min(per_receiver, per_account - of_account[account_id])
        if room > 0:
            deliveries = _due_of(connection, now, account_id, host, limit=room)
            of_account[account_id] += len(deliveries)
            found += deliveries
    return found


def _receivers(connection: Connection, now: datetime) -> Sequence[tuple[int, str]]:
    """Return accounts and hosts that have something due, those who wait longest first."""
    table = webhook_deliveries.c
    query = (
        select(table.account_id, table.host)
        .where(table.next_at <= now)
        .group_by(table.account_id, table.host)
        .order_by(func.min(table.next_at))
    )
    return [(account_id, host) for account_id, host in connection.execute(query)]


def _due_of(
    connection: Connection, now: datetime, account_id: int, host: str, *, limit: int
) -> Sequence[Delivery]:
    table = webhook_deliveries.c
    query = (
        select(*COLUMNS)
        .where(table.account_id == account_id, table.host == host, table.next_at <= now)
        .order_by(table.next_at)
        .limit(limit)
    )
    rows = connection.execute(query).mappings()
    return [Delivery(**{column.name: row[column.name] for column in COLUMNS}) for row in rows]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt to deliver ended."""

    status_code: int | None
    """What the receiver answered; None if it did not."""
    error: str | None
    """Why it did not count as delivered."""
    is_final: bool = False
    """Another attempt cannot go better."""
    response: str | None = None
    """The beginning of what the receiver answered."""


def record(
    connection: Connection,
    delivery: Delivery,
    attempt: Attempt,
    *,
    now: datetime,
    retry_at: datetime | None,
) -> None:
    """Note an attempt; `retry_at` is when to make the next one, if any."""
    table = webhook_attempts.c
    last = select(func.max(table.number)).where(table.delivery_id == delivery.id)
    values = {
        "delivery_id": delivery.id,
        "number": (connection.execute(last).scalar() or 0) + 1,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "response": attempt.response,
        "created_at": now,
    }
    connection.execute(insert(webhook_attempts).values(values))
    connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery.id)
        .values(
            attempts=delivery.attempts + 1,
            status_code=attempt.status_code,
            error=attempt.error,
            next_at=retry_at,
            delivered_at=now if attempt.error is None else None,
        )
    )


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt that was made."""

    number: int
    status_code: int | None
    error: str | None
    response: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A call as its account is shown it."""

    id: str
    prediction_id: str
    event: str
    url: str
    created_at: datetime
    next_at: datetime | None
    delivered_at: datetime | None
    error: str | None
    attempts: Sequence[AttemptRecord] = ()

    @property
    def standing(self) -> str:
        """`delivered`, `failed`, or `waiting` and `retrying` for what is to be sent."""
        if self.next_at is not None:
            return "retrying" if self.attempts else "waiting"
        return "delivered" if self.delivered_at is not None else "failed"


_SHOWN = tuple(
    webhook_deliveries.c[it.name] for it in fields(DeliveryRecord) if it.name != "attempts"
)


def of_account(
    connection: Connection, account_id: int, cursor: Cursor | None, *, limit: int
) -> Page[DeliveryRecord]:
    """Return a page of an account's calls with their attempts, the newest first."""
    query = select(*_SHOWN).where(webhook_deliveries.c.account_id == account_id)
    order = (webhook_deliveries.c.created_at, webhook_deliveries.c.id)
    page = page_of(connection, query, order, cursor, limit=limit)
    return mapped(page, lambda row: _record_of(connection, row))


def _record_of(connection: Connection, row: RowMapping) -> DeliveryRecord:
    names = [it.name for it in fields(AttemptRecord)]
    query = (
        select(*(webhook_attempts.c[name] for name in names))
        .where(webhook_attempts.c.delivery_id == row["id"])
        .order_by(webhook_attempts.c.number.desc())
    )
    attempts = [AttemptRecord(*each) for each in connection.execute(query)]
    return DeliveryRecord(**{column.name: row[column.name] for column in _SHOWN}, attempts=attempts)


def replay(connection: Connection, account_id: int, delivery_id: str, now: datetime) -> bool:
    """Let a call be made again, under its id; False if the account has none of that id."""
    change = (
        update(webhook_deliveries)
        .where(
            webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.account_id == account_id
        )
        .values(next_at=now, attempts=0, error=None, delivered_at=None)
    )
    return connection.execute(change).rowcount > 0
