"""The frames of `cog.worker.frames`, read and written with msgspec.

Outputs stay JSON bytes: they go on to the client as they are.
"""

import json
from typing import Any

import msgspec

from cog.worker import frames, messages


class WireOutput(msgspec.Struct):
    """`messages.Output` with its value unread."""

    seq: int
    value: msgspec.Raw
    files: list[messages.OutputFile] = []
    is_item: bool = False


class WirePredict(msgspec.Struct):
    """`messages.Predict`; a struct is made and written in a fraction of the time."""

    seq: int
    id: str
    input: dict[str, Any]
    fetched: list[list[str | int]]
    context: dict[str, str]


class WireCompleted(msgspec.Struct):
    """`messages.Completed`, for the same reason."""

    seq: int
    status: str
    predict_time_s: float
    error: str | None = None
    is_list: bool = False


class WireLoaded(msgspec.Struct):
    """`messages.Loaded` with its document unread."""

    document: msgspec.Raw
    slots: int
    is_async: bool
    has_healthcheck: bool
    python: str


ToWorker = WirePredict | messages.Cancel | messages.CheckHealth | messages.ShutDown | messages.Swap
AboutPrediction = messages.Log | messages.Metric | WireOutput | WireCompleted
FromWorker = (
    WireLoaded | messages.SetupFinished | messages.Health | messages.Swapped | AboutPrediction
)

_TYPES: dict[type, Any] = {
    messages.Predict: WirePredict,
    messages.Output: WireOutput,
    messages.Completed: WireCompleted,
    messages.Loaded: WireLoaded,
}
_DECODE = [msgspec.json.Decoder(_TYPES.get(it, it)).decode for it in frames.KINDS]
_KIND_OF = {_TYPES.get(it, it): number for number, it in enumerate(frames.KINDS)}
_encode = msgspec.json.Encoder().encode


def encode(message: ToWorker, *, spill_directory: str) -> bytes:
    """Return a message to the worker as one frame."""
    body = _encode(message)
    if len(body) > frames.MAX_INLINE_BYTES:
        fields = msgspec.structs.asdict(message) if isinstance(message, WirePredict) else {}
        return frames.encode(messages.Predict(**fields), spill_directory=spill_directory)
    return frames.HEAD.pack(len(body), _KIND_OF[type(message)]) + body


def decode(kind: int, body: bytes) -> FromWorker:
    """Return the message of a frame from the worker.

    Raises:
        FrameError: if the body is not the fields of that kind.
    """
    try:
        return _DECODE[kind](body)
    except msgspec.MsgspecError:
        # Half a surrogate pair is JSON to Python but text to nobody: it becomes a question mark.
        try:
            text = json.dumps(json.loads(body), ensure_ascii=False)
            return _DECODE[kind](text.encode(errors="replace"))
        except (ValueError, RecursionError) as error:
            raise frames.FrameError(f"A frame of kind {kind} cannot be read: {error}") from error
