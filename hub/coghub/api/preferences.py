"""The headers that say how long to wait for a prediction: `Prefer` and `Cancel-After`."""

import re
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request

from coghub.domain.errors import BadRequest

DEFAULT_WAIT_S = 55.0
"""Clients that name no time give up after 60 s, and one of them then asks again."""
MAX_WAIT_S = 60.0
WAIT = re.compile(r"""wait(?:\s*=\s*"?([1-9][0-9]{0,8})"?)?""", re.ASCII)
"""Source: RFC 7240; a value that cannot be is no preference."""

MIN_CANCEL_AFTER_S = 5.0
MAX_CANCEL_AFTER_S = 366 * 24 * 3600.0
DURATION = re.compile(
    r"(?:(?P<seconds_alone>[0-9]{1,9}(?:\.[0-9]{1,9})?)"
    r"|(?:(?P<hours>[0-9]{1,9})h)?(?:(?P<minutes>[0-9]{1,9})m)?(?:(?P<seconds>[0-9]{1,9})s)?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Wait:
    """A client's wish to be answered when the prediction has ended."""

    timeout_s: float
    applied: str
    """For the header `Preference-Applied`."""


def read_wait(request: Request) -> Wait | None:
    """Return how long the client wants to wait; None if it does not."""
    for header in request.headers.getlist("prefer"):
        for preference in header.split(","):
            found = WAIT.fullmatch(preference.partition(";")[0].strip().lower())
            if found and found[1] is None:
                return Wait(DEFAULT_WAIT_S, "wait")
            if found:
                seconds = min(float(found[1]), MAX_WAIT_S)
                return Wait(seconds, f"wait={seconds:.0f}")
    return None


def read_cancel_after(request: Request) -> timedelta | None:
    """Return after which time since its creation the prediction is to be canceled.

    Raises:
        BadRequest: if the header is no duration from 5 s to a year.
    """
    text = request.headers.get("cancel-after")
    if text is None:
        return None
    found = DURATION.fullmatch(text.strip().lower())
    seconds = _seconds(found.groupdict(default="0")) if found else 0.0
    if not MIN_CANCEL_AFTER_S <= seconds <= MAX_CANCEL_AFTER_S:
        raise BadRequest("`Cancel-After` is no duration of at least 5 s, such as 90, 5m or 1h30m")
    return timedelta(seconds=seconds)


def _seconds(parts: dict[str, str]) -> float:
    return (
        float(parts["seconds_alone"])
        + 3600 * float(parts["hours"])
        + 60 * float(parts["minutes"])
        + float(parts["seconds"])
    )
