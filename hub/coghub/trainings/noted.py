"""The entry in the audit trail of a version that a training made."""

from datetime import datetime

from sqlalchemy import Connection, select

from coghub.database.audit import Audit
from coghub.database.schema import accounts, predictions
from coghub.domain.audit import Action, Actor, Via


def note_version(
    connection: Connection, training_id: str, *, destination: str, version_id: str, now: datetime
) -> None:
    """Write down who had a version made, in the transaction that makes it."""
    query = (
        select(accounts.c.id, accounts.c.name, predictions.c.source)
        .join(predictions, predictions.c.account_id == accounts.c.id)
        .where(predictions.c.id == training_id)
    )
    row = connection.execute(query).one()
    who = Actor(row.id, row.name, Via(row.source))
    details = {"version": version_id, "training": training_id}
    Audit(lambda: now).by(who, Action.VERSION_TRAIN, destination, **details)(connection)
