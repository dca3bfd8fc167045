"""Counts what ended on an instance, and tells the log of it."""

from collections.abc import Mapping
from typing import Any

import structlog

from coghub.domain.prediction import Status
from coghub.domain.signals import Signals, Waiting
from coghub.domain.statistics import Statistics
from coghub.scheduler.fleet import Member

log = structlog.get_logger()


def count_run(
    statistics: Statistics,
    signals: Signals,
    member: Member,
    waiting: Waiting,
    ended: Mapping[str, Any],
) -> None:
    """Count an end that was written; one that failed is told at `info`.

    Args:
        statistics: of the hub.
        signals: of the hub.
        member: the instance that ended it.
        waiting: which prediction.
        ended: what its columns hold now.
    """
    hardware, status, started_at = member.hardware, ended["status"], ended["started_at"]
    signals.ended_by_status[status] += 1
    statistics.runs[member.entry.model, hardware, status] += 1
    ran_s = 0.0
    if started_at is not None:
        ran_s = (ended["completed_at"] - started_at).total_seconds()
        waited_s = (started_at - waiting.created_at).total_seconds()
        statistics.waited[hardware].add(max(0.0, waited_s))
        statistics.ran[hardware].add(ran_s)
    tell = log.info if status == Status.FAILED else log.debug
    tell("prediction ended", status=str(status), duration_s=round(ran_s, 3))
