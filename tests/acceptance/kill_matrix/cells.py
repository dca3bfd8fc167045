"""The matrix: what is killed, when, and what the client sees then."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Killed(StrEnum):
    """What dies."""

    HUB = "the hub"
    SERVER = "the model's server"
    WORKER = "the model's worker"
    DATABASE = "PostgreSQL"
    STORAGE = "S3"
    CALLBACK = "the connection from instance to hub"


class Moment(StrEnum):
    """When that happens."""

    ANSWERED = "after 201"
    """The prediction was answered, and its model works; nothing was told."""
    BOOTING = "while booting"
    """No instance is ready: `setup()` runs, or what it needs is being fetched."""
    FIRST_OUTPUT = "at the first output"
    """The first of two outputs was told; or it is on its way, where that is what dies."""
    LAST_EVENT = "before the commit"
    """The model has returned, and the hub has not written that down."""
    WEBHOOK = "while the webhook is sent"
    """The receiver has `completed`, and has not answered."""


@dataclass(frozen=True)
class Seen:
    """What a client sees of a prediction; it has one end in any case."""

    words: str
    status: str = "succeeded"
    error: str = ""
    """A pattern of it."""
    begun: int = 1
    """How often the model began it."""
    calls: int = 1
    """How often its receiver is called; one of these calls is answered."""


UNTOUCHED = Seen("succeeds")
AGAIN = Seen("runs again, succeeds", begun=2)
WAITS = Seen("waits, succeeds")
_SIGNAL_9 = r"worker was killed by signal 9 \(SIGKILL\): likely out of memory"
_FAILS_SO = Seen(
    "fails: “Prediction failed: the worker was killed by signal 9 …”",
    "failed",
    f"^Prediction failed: the {_SIGNAL_9}$",
)

CELLS: dict[Killed, dict[Moment, Seen]] = {
    Killed.HUB: {
        Moment.ANSWERED: AGAIN,
        Moment.BOOTING: WAITS,
        Moment.FIRST_OUTPUT: Seen(
            "fails: “The hub was stopped while the prediction ran, and it had output already”",
            "failed",
            r"^The hub was stopped while the prediction ran, and it had output already$",
        ),
        Moment.LAST_EVENT: AGAIN,
        Moment.WEBHOOK: Seen("called again, under the same `webhook-id`", calls=2),
    },
    Killed.SERVER: {
        Moment.ANSWERED: AGAIN,
        Moment.BOOTING: Seen("waits for another instance, succeeds"),
        Moment.FIRST_OUTPUT: Seen(
            "fails: “The model's server was killed by signal 9 …”",
            "failed",
            r"^The model's server was killed by signal 9 \(likely out of memory\)$",
        ),
        Moment.LAST_EVENT: UNTOUCHED,
        Moment.WEBHOOK: UNTOUCHED,
    },
    Killed.WORKER: {
        Moment.ANSWERED: _FAILS_SO,
        Moment.BOOTING: Seen(
            "fails: “Setup failed: the worker was killed by signal 9 …”",
            "failed",
            f"^Setup failed: the {_SIGNAL_9}$",
            begun=0,
        ),
        Moment.FIRST_OUTPUT: _FAILS_SO,
        Moment.LAST_EVENT: UNTOUCHED,
        Moment.WEBHOOK: UNTOUCHED,
    },
    Killed.DATABASE: dict.fromkeys(Moment, WAITS),
    Killed.STORAGE: {
        Moment.ANSWERED: WAITS,
        Moment.BOOTING: WAITS,
        Moment.FIRST_OUTPUT: WAITS,
        Moment.LAST_EVENT: UNTOUCHED,
        Moment.WEBHOOK: UNTOUCHED,
    },
    Killed.CALLBACK: {
        Moment.ANSWERED: Seen("the input file is fetched again, succeeds"),
        Moment.BOOTING: Seen("the weights are fetched again, succeeds"),
        Moment.FIRST_OUTPUT: Seen("the output file is sent again, succeeds"),
        Moment.LAST_EVENT: Seen("the output file is sent again, succeeds"),
        Moment.WEBHOOK: UNTOUCHED,
    },
}
"""Of each: a status that never changes again, and `completed` taken once by its receiver."""


def cells() -> Iterator[tuple[Killed, Moment]]:
    """Return all of them."""
    for killed, row in CELLS.items():
        for moment in row:
            yield killed, moment


def as_markdown() -> str:
    """Return the matrix as the guide for operators has it."""
    rows = [["what dies", *Moment], ["---"] * (len(Moment) + 1)]
    for killed, row in CELLS.items():
        rows.append([str(killed), *(row[moment].words for moment in Moment)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
