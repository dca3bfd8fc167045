"""How much was run: sums by day, account, model and hardware.

They are kept as predictions end, in the same transaction, and stay when these are removed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from coghub.database.columns import EPOCH, MICROSECOND
from coghub.database.schema import accounts, models, usage_days
from coghub.database.statements import Statement
from coghub.domain.prediction import Status

_KEY = ("day", "account_id", "model", "hardware")
_SUMS = ("predictions", "failed", "canceled", "predict_us")
SECOND_US = timedelta(seconds=1) // MICROSECOND


def _counting(insert: Callable[..., Any]) -> Statement:
    given = [bindparam(name, type_=usage_days.c[name].type) for name in ("day", "account_id")]
    counts = [bindparam(name, type_=usage_days.c[name].type) for name in ("hardware", *_SUMS)]
    names = (
        select(*given, accounts.c.name + "/" + models.c.name, *counts)
        .join_from(models, accounts, accounts.c.id == models.c.owner_id)
        .where(models.c.id == bindparam("model_id"))
    )
    new = insert(usage_days).from_select([*_KEY, *_SUMS], names)
    more = {name: usage_days.c[name] + new.excluded[name] for name in _SUMS}
    return Statement(new.on_conflict_do_update(index_elements=_KEY, set_=more))


_COUNT = {"sqlite": _counting(sqlite.insert), "postgresql": _counting(postgresql.insert)}


def count(connection: Connection, row: Any, ended: Mapping[str, Any]) -> None:
    """Add a prediction that ends to the sums of its day.

    Args:
        connection: of the transaction that ends it.
        row: with `account_id`, `model_id` and `hardware`, which is None if it got none.
        ended: what its columns hold from now on.
    """
    completed_at, started_at = ended["completed_at"], ended["started_at"]
    values = {
        "day": (completed_at - EPOCH).days,
        "account_id": row.account_id,
        "model_id": row.model_id,
        "hardware": row.hardware or "",
        "predictions": 1,
        "failed": int(ended["status"] == Status.FAILED),
        "canceled": int(ended["status"] == Status.CANCELED),
        "predict_us": (completed_at - started_at) // MICROSECOND if started_at else 0,
    }
    _COUNT[connection.dialect.name].run(connection, values)


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """What is asked for."""

    first: date
    last: date
    """Inclusive."""
    group: tuple[str, ...]
    """Some of `GROUPS`: there is a row for each combination."""
    account_id: int | None = None
    """None is everybody."""


_ACCOUNT = func.coalesce(accounts.c.name, "")
GROUPS: Mapping[str, ColumnElement[Any]] = {
    "day": usage_days.c.day,
    "account": _ACCOUNT,
    "model": usage_days.c.model,
    "hardware": usage_days.c.hardware,
}


def usage(connection: Connection, wanted: UsageQuery, *, limit: int) -> Sequence[RowMapping]:
    """Return the sums, in the order of the groups."""
    groups = [GROUPS[name].label(name) for name in wanted.group]
    sums = [func.sum(usage_days.c[name]).label(name) for name in _SUMS]
    query = (
        select(*groups, *sums)
        .select_from(usage_days)
        .outerjoin(accounts, accounts.c.id == usage_days.c.account_id)
        .where(usage_days.c.day.between(day_number(wanted.first), day_number(wanted.last)))
        .having(func.count() > 0)
    )
    if wanted.account_id is not None:
        query = query.where(usage_days.c.account_id == wanted.account_id)
    keys = [GROUPS[name] for name in wanted.group]
    query = query.group_by(*keys).order_by(*keys).limit(limit)
    return connection.execute(query).mappings().all()


def day_number(day: date) -> int:
    """Return a day of UTC as rows hold it: counted from 1970-01-01."""
    return (day - EPOCH.date()).days


def day_of(number: int) -> date:
    """Return the day of a number."""
    return EPOCH.date() + timedelta(days=number)
