"""Queries on webhook deliveries: the calls about ended predictions, which must not get lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection, func, insert, select, update

from coghub.database.schema import predictions, webhook_deliveries
from coghub.domain.ids import new_id
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


def record(
    connection: Connection,
    delivery: Delivery,
    attempt: Attempt,
    *,
    now: datetime,
    retry_at: datetime | None,
) -> None:
    """Note an attempt; `retry_at` is when to make the next one, if any."""
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
