"""The matrix: what is killed, when, and what the client sees then."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Killed(StrEnum):
    """What dies."""

    HUB = "the hub"
    SERVER = "the instance's server"
    WORKER = "the instance's worker"
    DATABASE = "the database"
    STORAGE = "the storage"
    CALLBACK = "the instance's connection to the hub"


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


UNTOUCHED = Seen("nothing of it: it succeeds")
AGAIN = Seen("it runs again, and succeeds", begun=2)
WAITS = Seen("requests get 503 while it is away; then the prediction succeeds")
SENT_AGAIN = Seen("it is sent again")
_SIGNAL_9 = r"worker was killed by signal 9 \(SIGKILL\): likely out of memory"

CELLS: dict[Killed, dict[Moment, Seen]] = {
    Killed.HUB: {
        Moment.ANSWERED: AGAIN,
        Moment.BOOTING: Seen("it waits for the next start, and succeeds"),
        Moment.FIRST_OUTPUT: Seen(
            "it fails: “The hub was stopped while the prediction ran, and it had output already”",
            "failed",
            r"^The hub was stopped while the prediction ran, and it had output already$",
        ),
        Moment.LAST_EVENT: AGAIN,
        Moment.WEBHOOK: Seen("a second call under the same `webhook-id`", calls=2),
    },
    Killed.SERVER: {
        Moment.ANSWERED: AGAIN,
        Moment.BOOTING: Seen("another instance is started, and it succeeds"),
        Moment.FIRST_OUTPUT: Seen(
            "it fails: “The model's server was killed by signal 9 (likely out of memory)”",
            "failed",
            r"^The model's server was killed by signal 9 \(likely out of memory\)$",
        ),
        Moment.LAST_EVENT: UNTOUCHED,
        Moment.WEBHOOK: UNTOUCHED,
    },
    Killed.WORKER: {
        Moment.ANSWERED: Seen(
            "it fails: “The worker was killed by signal 9 (SIGKILL): likely out of memory”",
            "failed",
            _SIGNAL_9,
        ),
        Moment.BOOTING: Seen(
            "it fails: “Setup failed: the worker was killed by signal 9 …”",
            "failed",
            rf"^Setup failed: .*{_SIGNAL_9}",
            begun=0,
        ),
        Moment.FIRST_OUTPUT: Seen("it fails, as before", "failed", _SIGNAL_9),
        Moment.LAST_EVENT: UNTOUCHED,
        Moment.WEBHOOK: UNTOUCHED,
    },
    Killed.DATABASE: dict.fromkeys(Moment, WAITS),
    Killed.STORAGE: {
        Moment.ANSWERED: Seen("its output files wait for the storage, and it succeeds"),
        Moment.BOOTING: Seen("the version is fetched when the storage is back; it succeeds"),
        Moment.FIRST_OUTPUT: Seen("files get 503 while it is away; then it succeeds"),
        Moment.LAST_EVENT: UNTOUCHED,
        Moment.WEBHOOK: UNTOUCHED,
    },
    Killed.CALLBACK: {
        Moment.ANSWERED: Seen("its input file is fetched again, and it succeeds"),
        Moment.BOOTING: Seen("its weights are fetched again, and it succeeds"),
        Moment.FIRST_OUTPUT: SENT_AGAIN,
        Moment.LAST_EVENT: SENT_AGAIN,
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
    lines = ["| what dies | when | what the client sees |", "|---|---|---|"]
    for killed, moment in cells():
        lines.append(f"| {killed} | {moment} | {CELLS[killed][moment].words} |")
    return "\n".join(lines)
