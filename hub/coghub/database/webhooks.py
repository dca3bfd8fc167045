"""Queries on webhook deliveries: the calls about ended predictions, which must not get lost."""

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
    """Return what is to be sent now, the oldest first; of each host, and each account, only a few.

    Who has a thousand calls waiting for a slow host leaves room for everyone else.
    """
    table = webhook_deliveries.c
    rank = func.row_number().over(
        partition_by=(table.account_id, table.host), order_by=table.next_at
    )
    by_host = (
        select(*COLUMNS, table.next_at, rank.label("rank")).where(table.next_at <= now).subquery().c
    )
    place = func.row_number().over(partition_by=by_host.account_id, order_by=by_host.next_at)
    by_account = (
        select(*by_host, place.label("place")).where(by_host.rank <= per_receiver).subquery().c
    )
    query = (
        select(*(by_account[column.name] for column in COLUMNS))
        .where(by_account.place <= per_account)
        .order_by(by_account.next_at)
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
