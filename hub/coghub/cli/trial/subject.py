"""The model under test: started when it is first asked, and again where it died or hung."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from coghub.cli.attachments import filled
from coghub.cli.input_check import check_inputs
from coghub.cli.input_schema import InputSchema
from coghub.cli.input_text import Inputs
from coghub.cli.output import Console
from coghub.cli.output_kind import OutputKind, output_kind
from coghub.cli.rendering import Collected
from coghub.cli.trial.outcome import PREFIX, End, Outcome, with_files
from coghub.domain.errors import (
    CoghubError,
    InputInvalid,
    InstanceDied,
    InstanceError,
    PredictionFailed,
    PredictionOverdue,
)
from coghub.domain.instance_event import Completed, Log, Output
from coghub.engines.base import Launch, Prepared, Request, RunningModel

WORKER_DIED = f"{PREFIX}the worker "
"""How the error begins that a model's server tells in place of a model's own."""
ENDS = {"succeeded": End.SUCCEEDED, "canceled": End.CANCELED}


@dataclass
class Subject:
    """One model, asked again and again; leave its block to end it."""

    prepared: Prepared
    launch: Launch
    document: Mapping[str, Any]
    console: Console
    setup_timeout_s: float
    _running: RunningModel | None = None
    _printed: list[bytes] = field(default_factory=list)
    """What it printed outside of predictions since the last was asked."""

    def __enter__(self) -> "Subject":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.__exit__(kind, error, traceback)

    @property
    def schema(self) -> InputSchema:
        """What it takes."""
        return InputSchema(self.document, self.launch.mode)

    @property
    def kind(self) -> OutputKind:
        """What it gives."""
        return output_kind(self.document, self.launch.mode)

    def ask(self, inputs: Inputs, timeout_s: float) -> Outcome:
        """Run one prediction of inputs that are checked first, as `cog predict` does.

        Raises:
            SetupFailed: if the model cannot be started.
        """
        schema = self.schema
        try:
            check_inputs(inputs.values, schema)
            serve = self._ready().serve_file
            values = filled(inputs, schema.properties, serve)
        except InputInvalid as error:
            return Outcome(End.REFUSED, error=error.message)
        return self.send(values, timeout_s)

    def send(self, values: Mapping[str, Any], timeout_s: float) -> Outcome:
        """Run one prediction of values as they are, whatever the schema says.

        Raises:
            SetupFailed: if the model cannot be started.
        """
        model, logs = self._ready(), list[str]()
        started = time.monotonic()
        end, collected = _asked(model, Request(values, timeout_s=timeout_s), logs)
        outcome = self._outcome(end, collected)
        printed = b"".join(self._printed).decode("utf-8", "replace")
        self._printed.clear()
        if not outcome.is_clean:
            self.__exit__(None, None, None)
        return Outcome(
            outcome.end,
            outcome.output,
            outcome.error,
            printed + "".join(logs),
            time.monotonic() - started,
            outcome.raw,
        )

    def _ready(self) -> RunningModel:
        """Return the model when it is set up."""
        if self._running is not None:
            return self._running
        with self.console.step(f"Starting {self.prepared.noun} and running setup()..."):
            running = self.prepared.start(self.launch, self._log)
            self._running = running.__enter__()
            try:
                self._running.wait_until_ready(self.setup_timeout_s)
            except CoghubError:
                self.console.log(b"".join(self._printed))
                raise
        return self._running

    def _log(self, content: bytes) -> None:
        if self.launch.is_debug:
            self.console.log(content)
        else:
            self._printed.append(content)

    def _outcome(self, end: Completed | CoghubError, collected: Collected) -> Outcome:
        match end:
            case InputInvalid():
                return Outcome(End.REFUSED, error=end.message)
            case InstanceDied():
                return Outcome(End.DIED, error=end.hint or end.message)
            case PredictionOverdue():
                return Outcome(End.OVERDUE, error=end.message)
            case CoghubError():
                text = f"{end.message}: {end.hint}" if end.hint else end.message
                return Outcome(End.BROKEN, error=text)
            case _:
                return self._completed(end, collected)

    def _completed(self, completed: Completed, collected: Collected) -> Outcome:
        error = completed.error or ""
        if completed.status != "succeeded":
            is_dead = error.startswith(WORKER_DIED)
            end = End.DIED if is_dead else ENDS.get(completed.status, End.FAILED)
            return Outcome(end, error=error)
        raw = list[Any]() if collected.value is None and completed.is_list else collected.value
        try:
            return Outcome(End.SUCCEEDED, with_files(raw, self.kind), raw=raw)
        except PredictionFailed as unreadable:
            return Outcome(End.BROKEN, error=unreadable.message)


def _asked(
    model: RunningModel, request: Request, logs: list[str]
) -> tuple[Completed | CoghubError, Collected]:
    """Return how a prediction ended, or what came in place of an end, and its output."""
    collected = Collected()
    end: Completed | None = None
    try:
        for event in model.predict(request):
            match event:
                case Log(text):
                    logs.append(text)
                case Output():
                    collected.add(event)
                case Completed():
                    end = event
                case _:
                    pass
    except (InputInvalid, InstanceError) as error:
        return error, collected
    return end or InstanceError("the server ended the prediction without a result"), collected
