"""The end of a training: what it returned becomes a version, or it has failed."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from coghub.database.attempts import Batch
from coghub.domain.errors import CoghubError
from coghub.domain.prediction import Chunk, EventKind, Status, output_of
from coghub.domain.signals import Waiting
from coghub.models.catalog import Entry
from coghub.scheduler.patience import patiently
from coghub.trainings.outcome import Outcome, Outcomes, Trained

Keep = Callable[[Connection], None]
"""Makes a version, in the transaction that ends its training."""


async def outcome_of(
    outcomes: Outcomes, waiting: Waiting, entry: Entry, batch: Batch
) -> Keep | None:
    """Return what keeps the outcome of a training that a batch ends well.

    The batch then tells the version too; where none can be made, it ends the training as failed.
    While database or storage are away, it waits: a training may have cost hours.
    """
    if batch.end is None or batch.end.status is not Status.SUCCEEDED:
        return None
    try:
        outcome = await patiently(
            lambda: _outcome(outcomes, waiting, entry, batch), reason="training ends"
        )
    except (CoghubError, FileNotFoundError) as error:
        batch.end = replace(batch.end, status=Status.FAILED, error=str(error))
        return None
    batch.told.append((EventKind.OUTPUT, Chunk(outcome.output, None)))
    return outcome.keep


async def _outcome(outcomes: Outcomes, waiting: Waiting, entry: Entry, batch: Batch) -> Outcome:
    before = await outcomes.told_by(waiting.id)
    told = [chunk for kind, chunk in batch.told if kind is EventKind.OUTPUT]
    training = Trained(waiting.id, waiting.destination or "", entry.model, entry.version)
    return await outcomes.of(training, output_of([*before, *told]))
