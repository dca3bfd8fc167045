"""What was changed by whom: written in the transaction of the change, never changed again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from coghub.database.paging import mapped, page_of
from coghub.database.schema import audit_entries
from coghub.domain.audit import Actor, AuditEntry, Via, actor
from coghub.domain.clock import Clock
from coghub.domain.page import Cursor, Page

Note = Callable[[Connection], None]
"""Writes an entry down; called within the transaction of what it tells of."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Makes entries of changes."""

    now: Clock

    def of(self, action: str, subject: str, **details: Any) -> Note:
        """Return what writes a change down; call this in the task of who acts.

        Args:
            action: such as `model.delete`: what, and what happens to it.
            subject: see `AuditEntry.subject`.
            details: further names and numbers; never a secret, nor a value that may be one.
        """
        return self.by(actor(), action, subject, **details)

    def by(self, who: Actor, action: str, subject: str, **details: Any) -> Note:
        """Return what writes a change down that somebody asked for earlier; else as `of`."""
        values = {
            "created_at": self.now(),
            "account_id": who.account_id,
            "actor": who.name,
            "via": who.via,
            "action": action,
            "subject": subject,
            "details": details,
        }
        return lambda connection: _add(connection, values)


def _add(connection: Connection, values: dict[str, Any]) -> None:
    connection.execute(insert(audit_entries).values(values))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are listed; None is no condition."""

    actor: str | None = None
    action: str | None = None
    """Also the beginning of one, such as `model`."""
    subject: str | None = None
    """Also an owner, for all that belongs to it."""
    since: datetime | None = None


EVERYTHING = Wanted()


def newest(
    connection: Connection, wanted: Wanted = EVERYTHING, *, limit: int
) -> Sequence[AuditEntry]:
    """Return entries, the newest first."""
    return page(connection, wanted, None, limit=limit).items


def page(
    connection: Connection, wanted: Wanted, cursor: Cursor | None, *, limit: int
) -> Page[AuditEntry]:
    """Return a page of entries, the newest first."""
    columns = audit_entries.c
    query = select(audit_entries)
    if wanted.actor is not None:
        query = query.where(columns.actor == wanted.actor)
    if wanted.action is not None:
        begins = columns.action.startswith(f"{wanted.action}.", autoescape=True)
        query = query.where((columns.action == wanted.action) | begins)
    if wanted.subject is not None:
        begins = columns.subject.startswith(f"{wanted.subject}/", autoescape=True)
        query = query.where((columns.subject == wanted.subject) | begins)
    if wanted.since is not None:
        query = query.where(columns.created_at >= wanted.since)
    order = (columns.created_at, columns.id)
    return mapped(page_of(connection, query, order, cursor, limit=limit), _entry_of)


def _entry_of(row: RowMapping) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        created_at=row["created_at"],
        actor=Actor(row["account_id"], row["actor"], Via(row["via"])),
        action=row["action"],
        subject=row["subject"],
        details=row["details"],
    )
