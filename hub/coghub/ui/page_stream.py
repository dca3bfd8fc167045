"""What a page is told of a prediction while it runs: events for the scripts of `run.js`.

`status`, `logs` (what is new), `text` (a piece of a text that grows), and `output` (all there is so
far, as HTML). At the end comes `end` with what the page shows from then on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coghub.domain.prediction import Chunk, Status, output_of
from coghub.ui.schema import is_text_stream
from coghub.ui.templates import to_json

LABELS: Mapping[Status, str] = {
    Status.STARTING: "Waiting for an instance",
    Status.PROCESSING: "Running",
    Status.SUCCEEDED: "Done",
    Status.FAILED: "Failed",
    Status.CANCELED: "Canceled",
}
MAX_LABEL_CHARACTERS = 200
PAUSE_S = 0.2
"""An output that is not a growing text is drawn at most so often."""

Told = tuple[str, Any]
"""The name of an event, and its content."""


class PageStream:
    """Makes the events of one page."""

    def __init__(self, document: Mapping[str, Any], draw: Callable[[Any], str]) -> None:
        """Begin.

        Args:
            document: the OpenAPI document of the version.
            draw: returns an output as HTML.
        """
        self.is_text = is_text_stream(document)
        self._draw = draw
        self._chunks = list[Chunk]()
        self._status: Status | None = None
        self._label = ""

    @property
    def pause_s(self) -> float:
        """How long to wait before more is told."""
        return PAUSE_S if self._chunks and not self.is_text else 0.0

    def told(
        self, status: Status, *, logs: str, new_logs: str, chunks: Sequence[Chunk]
    ) -> list[Told]:
        """Return what the page is told.

        Args:
            status: where the prediction stands.
            logs: what it said since the last time.
            new_logs: what of that the page does not have already.
            chunks: what it made since.
        """
        found = self._standing(status, logs)
        found += [("logs", new_logs)] if new_logs else []
        if chunks:
            is_first = not self._chunks
            self._chunks += chunks
            found.append(self._output(chunks, is_first=is_first))
        return found

    def _standing(self, status: Status, logs: str) -> list[Told]:
        """Tell where it stands; while it waits, the last line of the logs says that best."""
        label = LABELS[status]
        if status is Status.STARTING:
            lines = [line.strip() for line in logs.splitlines() if line.strip()]
            label = lines[-1][:MAX_LABEL_CHARACTERS] if lines else self._label or label
        if (status, label) == (self._status, self._label):
            return []
        self._status, self._label = status, label
        return [("status", {"status": status, "label": label})]

    def _output(self, chunks: Sequence[Chunk], *, is_first: bool) -> Told:
        if self.is_text:
            text = "".join(_text(chunk.value) for chunk in chunks)
            return "text", {"text": text, "isFirst": is_first}
        return "output", {"html": self._draw(output_of(self._chunks))}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(_text, value))
    return value if isinstance(value, str) else to_json(value)
