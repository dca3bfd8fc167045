"""The answer to one `Predict`: metrics and outputs as they come, then one `Completed`."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import perf_counter
from types import AsyncGeneratorType, GeneratorType, NoneType
from typing import Any, Protocol

from cog.errors import CancelationException, CogError, DownloadError, InputError
from cog.output import encode
from cog.schema.interface import Interface, NullableType, StreamType
from cog.scope import Scope
from cog.worker import failures
from cog.worker.messages import Completed, Metric, Output, OutputFile, Predict

_GENERATORS = (GeneratorType, AsyncGeneratorType)
_PLAIN = frozenset({str, int, bool, NoneType})
"""JSON already: most outputs are no more than this."""
_WHOLE = (str, bytes, bytearray, dict)
"""Can be iterated, but are one value also where the annotation says iterator."""


class Sender(Protocol):
    """What an answer needs of the connection."""

    def send(self, *messages: Any) -> None: ...
    def send_soon(self, *messages: Any) -> None: ...


class Streams(Protocol):
    """What an answer needs of the standard streams."""

    def settle(self) -> None: ...


class Log(Protocol):
    """What an answer needs of the prediction's own log, where it has one."""

    def end(self) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """What all answers of a worker share."""

    connection: Sender
    streams: Streams
    interface: Interface
    exchange: str
    """Where files are made for outputs that are not files yet."""
    shielded: Callable[[], AbstractContextManager[None]] = nullcontext
    """Keeps a cancel from interrupting us while user code has called us."""
    ending: threading.RLock = field(default_factory=threading.RLock)
    """Held while an end is sent, or anything that may not follow it."""

    def of(self, interface: Interface) -> "Surroundings":
        """Return the same for another interface."""
        return replace(self, interface=interface)

    @cached_property
    def is_stream(self) -> bool:
        """The annotation says that outputs come item by item."""
        output = self.interface.output
        declared = output.type if isinstance(output, NullableType) else output
        return isinstance(declared, StreamType)

    @cached_property
    def is_list(self) -> bool:
        """The annotation says that the output is a list."""
        return self.interface.output_is_list

    @cached_property
    def is_text(self) -> bool:
        """The annotation says that the output, or each item, may be text as well as a file."""
        return self.interface.output_is_text

    @cached_property
    def is_file(self) -> bool:
        """The annotation says that the output, or each item, is a file."""
        return self.interface.output_is_file


class Answer:
    """What one running prediction sends; nothing follows its end."""

    def __init__(self, request: Predict, worker: Surroundings, log: Log | None = None) -> None:
        self.seq = request.seq
        self.scope = Scope(context=request.context, on_metric=self._record)
        self._worker = worker
        self._log = log
        self._output: Output | None = None
        self._is_streamed = False
        self._is_ended = False
        self._started = perf_counter()

    def is_stream(self, result: Any) -> bool:
        """Say whether each item of a result is an output of its own; if so, it is a list."""
        self._is_streamed = isinstance(result, _GENERATORS) or (
            self._worker.is_stream
            and (hasattr(result, "__iter__") or hasattr(result, "__aiter__"))
            and not isinstance(result, _WHOLE)
        )
        return self._is_streamed

    def add_item(self, value: Any) -> None:
        """Send one item of a streamed output; its file, if it is one, may change right after."""
        output, files = self._encode(value, copy_files=True)
        self._worker.connection.send(Output(self.seq, output, files, is_item=True))

    def set_output(self, value: Any) -> None:
        """Keep the whole output, to be sent together with the end."""
        output, files = self._encode(value, copy_files=False)
        if self._worker.is_list and not isinstance(output, list):
            output = [output] if files or output is not None else []
            files = [replace(file, at=[0, *file.at]) for file in files]
        self._output = Output(self.seq, output, files)

    def finish(self, error: BaseException | None, *, is_canceled: bool) -> None:
        """Send the end, given what user code raised; what it printed has then been flushed.

        A model may also give up by itself, by raising what a cancel raises.
        """
        if is_canceled or isinstance(error, CancelationException):
            if isinstance(error, Exception):
                failures.print_traceback(error)
            self._end("canceled", None)
        elif error is not None:
            self._end("failed", self._reason(error))
        else:
            self._succeed()

    def _succeed(self) -> None:
        try:
            self._end("succeeded", None, *([self._output] if self._output else []))
        except (ValueError, TypeError, RecursionError, OSError) as error:
            # A number too long to print, a disk too full for a large output.
            reason = f"Prediction failed: Failed to serialize output: {failures.describe(error)}"
            self._end("failed", reason)

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, (InputError, DownloadError)):
            return f"Input validation error: {failures.message(error)}"
        if isinstance(error, CogError):
            return f"Prediction failed: {failures.message(error)}"
        failures.print_traceback(error)
        what = "Generator iteration error" if self._is_streamed else "Prediction failed"
        return f"Prediction failed: {what}: {failures.describe(error)}"

    def _end(self, status: str, error: str | None, *outputs: Output) -> None:
        self._worker.streams.settle()
        if self._log is not None:
            self._log.end()
        elapsed_s = perf_counter() - self._started
        completed = Completed(self.seq, status, elapsed_s, error, is_list=self._is_streamed)
        with self._worker.ending:
            self._worker.connection.send_soon(*outputs, completed)
            self._is_ended = True

    def _encode(self, value: Any, *, copy_files: bool) -> tuple[Any, list[OutputFile]]:
        is_path = self._worker.is_file
        if type(value) in _PLAIN and not is_path:
            return value, []
        encoded = encode(
            value,
            directory=self._worker.exchange,
            is_path=is_path,
            is_text=self._worker.is_text,
            copy_files=copy_files,
        )
        return encoded.value, encoded.files

    def _record(self, name: str, value: Any, mode: str) -> None:
        with self._worker.shielded(), self._worker.ending:
            if not self._is_ended:
                self._worker.connection.send(Metric(self.seq, name, value, mode))
