"""`coghub audit`: who changed what."""

from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.database.audit import Wanted, newest
from coghub.domain.audit import AuditEntry
from coghub.domain.clock import iso

MOST = 1_000_000


@click.command("audit")
@click.option("--actor", metavar="NAME", help="Only of this account, or `operator`.")
@click.option("--action", metavar="WORD", help="Only such as `model.delete`, or all of `model`.")
@click.option("--subject", metavar="NAME", help="Only of OWNER/MODEL, or of all that OWNER has.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Only from this day on (UTC)."
)
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help="How many."
)
@hub_command
def command(
    invocation: HubInvocation,
    *,
    actor: str | None,
    action: str | None,
    subject: str | None,
    since: datetime | None,
    limit: int,
) -> None:
    """List what accounts and operators changed, the newest first.

    Accounts, tokens, passwords, models, their visibility, shares, variables, secrets and versions.
    Values of variables and tokens are never kept.
    """
    moment = since.replace(tzinfo=UTC) if since else None
    wanted = Wanted(actor=actor, action=action, subject=subject, since=moment)
    found = invocation.run(lambda hub: hub.database.read(lambda c: newest(c, wanted, limit=limit)))
    invocation.show([_json(it) for it in found], [_row(it) for it in found])


def _json(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "created_at": iso(entry.created_at),
        "account_id": entry.actor.account_id,
        "actor": entry.actor.name,
        "via": entry.actor.via.value,
        "action": entry.action,
        "subject": entry.subject,
        "details": dict(entry.details),
    }


def _row(entry: AuditEntry) -> tuple[str, ...]:
    details = msgspec.json.encode(entry.details).decode() if entry.details else ""
    who = f"{entry.actor.name} ({entry.actor.via})"
    return iso(entry.created_at), who, entry.action, entry.subject, details
