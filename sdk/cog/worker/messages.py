"""The words that server and worker say to each other.

Every message is a small frozen value. `frames` turns one into bytes and back.
A `seq` names one start of a prediction (or of a health check) in the life of one worker:
it rises by one each time and is never used again, so that a late `Cancel` cannot hit a successor.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Predict:
    """Run the model once."""

    seq: int
    id: str
    """The prediction's id, for who reads the wire; not unique within a worker's life."""
    input: dict[str, Any]
    """The JSON input; validated, and unknown fields are gone."""
    fetched: list[list[str | int]] = field(default_factory=list)
    """Places in `input` where the server put the path of a file that it fetched."""
    context: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancel:
    """Stop a prediction or health check; means nothing when `seq` is not running.

    For a synchronous predictor the server also sends the process `cancel_signal()`:
    the frame says what to stop, the signal is the doorbell.
    """

    seq: int


@dataclass(frozen=True)
class CheckHealth:
    """Call the user's `healthcheck()`; sent only while no synchronous prediction runs."""

    seq: int


@dataclass(frozen=True)
class Swap:
    """Bring new source into the process; only where the worker was started with `--keeps 1`."""

    paths: list[str]
    """Files of the project that were changed, absolute."""


@dataclass(frozen=True)
class ShutDown:
    """Leave. The end of the stream means the same."""


@dataclass(frozen=True)
class Loaded:
    """The model is imported and its signature read; `setup()` has not begun."""

    document: dict[str, Any]
    """The OpenAPI document, as served at `/openapi.json`."""
    slots: int
    """How many predictions may run at once."""
    is_async: bool
    """Cancel needs no signal: the worker reads its socket while predictions run."""
    has_healthcheck: bool
    python: str
    """The interpreter's version, such as "3.12.1"."""


@dataclass(frozen=True)
class SetupFinished:
    """`setup()` has returned, or the model could not be loaded or set up.

    The traceback is not here: it was printed, and so is part of the setup logs.
    """

    error: str | None = None


@dataclass(frozen=True)
class Log:
    """Text that belongs to one of several concurrent predictions."""

    seq: int
    stream: str
    """`stdout` or `stderr`."""
    text: str


@dataclass(frozen=True)
class Metric:
    """One `record_metric` call, already checked."""

    seq: int
    name: str
    value: Any
    mode: str
    """`replace`, `increment` or `append`; `replace` with None deletes."""


@dataclass(frozen=True)
class OutputFile:
    """A file that stands somewhere in an output; the server puts a URL in its place."""

    at: list[str | int]
    """Where in the value, as keys and indexes; empty when the value is the file."""
    path: str
    name: str
    """The file name that the user chose, for its type and its upload."""
    is_temporary: bool = False
    """Made by the worker for this output: the server removes it when it has read it."""


@dataclass(frozen=True)
class Output:
    """A result, or one item of it."""

    seq: int
    value: Any
    """JSON; None wherever a file of `files` stands."""
    files: list[OutputFile] = field(default_factory=list)
    is_item: bool = False
    """Append to the output list, instead of being the whole output."""


@dataclass(frozen=True)
class Completed:
    """The end of a prediction: nothing about `seq` follows.

    Before it is sent, Python's and C's output buffers are flushed.
    """

    seq: int
    status: str
    """`succeeded`, `failed` or `canceled`."""
    predict_time_s: float
    error: str | None = None
    is_list: bool = False
    """The output is a list even if no item was sent."""


@dataclass(frozen=True)
class Health:
    """The answer to `CheckHealth`."""

    seq: int
    error: str | None = None
    """None when healthy."""


@dataclass(frozen=True)
class Swapped:
    """The answer to `Swap`; a `Loaded` before it says what the interface is now."""

    labels: list[str]
    """What is other now, for people."""
    problem: str | None = None
    """Why not all is as the source says."""
    is_safe: bool = True
    """The process can go on; else a fresh one is needed."""


ToWorker = Predict | Cancel | CheckHealth | ShutDown | Swap
FromWorker = Loaded | SetupFinished | Log | Metric | Output | Completed | Health | Swapped
