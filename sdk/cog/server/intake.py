"""Takes a request for a prediction through all checks, and answers it in the way it asked for.

The order of the checks is Cog's: body, id, streaming, readiness, input, capacity.
"""

import time
from typing import Any

import msgspec

from cog.server.container_log import ContainerLog
from cog.server.errors import Refusal, failed_refusal, invalid, problem
from cog.server.model import Model
from cog.server.prediction import Prediction
from cog.server.remembered import Remembered
from cog.server.reply import Reply, Request
from cog.server.requests import ALL_EVENTS, PredictionRequest, parse
from cog.server.settings import KEEP, Settings
from cog.server.streams import NDJSON, SSE, EventStream
from cog.server.validation import NO_OBJECT, Checked
from cog.server.webhooks import Webhooks

NOT_READY = (
    "Setup has not finished yet. Wait until it has finished, or GET /health-check for status."
)
NO_STREAMING = (
    "This model does not support streaming responses. "
    "Add @cog.streaming to predict() to enable SSE."
)
NO_TRAINING_STREAMS = "Training endpoints do not support streaming responses."
TOO_MANY_STREAMS = "Too many clients follow this prediction"
MAX_ID_CHARACTERS = 1024
"""It stands in every line of the log."""
MAX_LOGGED = 20
"""Names of unknown fields, and how much of each."""
MAX_LOGGED_CHARACTERS = 100
TRACE_HEADERS = (b"traceparent", b"tracestate")


class Intake:
    """Answers POST and PUT of predictions and trainings."""

    def __init__(
        self, settings: Settings, log: ContainerLog, model: Model, webhooks: Webhooks
    ) -> None:
        self._settings = settings
        self._log = log
        self._model = model
        self._webhooks = webhooks
        self._remembered = Remembered()
        self._last_id = 0
        self._last: PredictionRequest | None = None
        """What was asked for last; kept only where it may run again."""
        self.is_closed = False
        """The server is leaving: nothing new begins."""

    def take(self, request: Request, reply: Reply, *, path_id: str | None, noun: str) -> None:
        """Answer a request for a prediction; `path_id` is that of a PUT.

        Raises:
            Refusal: if it is not to be.
        """
        body = parse(request)
        mode = _mode(request.headers)
        _refuse_long(path_id or body.id)
        if path_id is not None:
            if body.id is not None and body.id != path_id:
                text = f"{noun} ID must match the ID supplied in the URL"
                raise invalid([problem(text, "id")])
            body.id = path_id
        if mode == SSE:
            self._refuse_streams(noun)
        if path_id is not None and self._attach(reply, path_id, mode, request.headers):
            return
        prediction, checked = self._create(body, size_bytes=len(request.body))
        if self._settings.reload == KEEP:
            self._last = body
        if body.webhook:
            self._tell(prediction, body, request.headers)
        self._follow(prediction, reply, mode, is_put=path_id is not None)
        self._model.predictions.begin(prediction, checked.files)

    def run_again(self) -> Prediction | None:
        """Run the last inputs once more, without their client; None if there were none.

        Raises:
            Refusal: if the model does not take them any more.
        """
        if self._last is None:
            return None
        body = PredictionRequest(input=self._last.input, context=self._last.context)
        prediction, checked = self._create(body)
        self._model.predictions.begin(prediction, checked.files)
        return prediction

    def _create(
        self, body: PredictionRequest, *, size_bytes: int = 0
    ) -> tuple[Prediction, Checked]:
        model = self._model
        if not model.predictions.may_create or self.is_closed:
            raise failed_refusal(503, NOT_READY)
        checked = self._check(body)
        prediction_id = self._next_id() if body.id is None else body.id
        if checked.stripped:
            self._log.warning(
                "Stripped unknown input fields",
                prediction_id=prediction_id,
                fields=[name[:MAX_LOGGED_CHARACTERS] for name in checked.stripped[:MAX_LOGGED]],
            )
        created = model.predictions.create(
            prediction_id, checked.input, body.context or {}, size_bytes=size_bytes
        )
        self._remembered.forget(prediction_id)
        return created, checked

    def _check(self, body: PredictionRequest) -> Checked:
        if self._model.schema is not None:
            return self._model.schema.check(body.input)
        if body.input is not None and not isinstance(body.input, dict):
            raise invalid([problem(NO_OBJECT, "input", "__root__")])
        return Checked(body.input or {}, [], [])

    def _attach(
        self, reply: Reply, prediction_id: str, mode: bytes, headers: dict[bytes, bytes]
    ) -> bool:
        """Answer a PUT of an id that is known; False if it is to begin."""
        prediction = self._model.predictions.find(prediction_id)
        if prediction is None and mode == NDJSON:
            prediction = self._remembered.find(prediction_id)
        if prediction is None:
            return False
        if mode not in (SSE, NDJSON):
            snapshot = {**prediction.snapshot(), "input": prediction.input}
            reply.send(202, msgspec.json.encode(snapshot | self._place(prediction)))
            return True
        if prediction.followers >= self._settings.max_followers:
            raise failed_refusal(429, TOO_MANY_STREAMS)
        last = headers.get(b"last-event-id", b"")
        after = int(last) if last.isdigit() and len(last) < 19 else 0  # noqa: PLR2004 - fits 64 bits
        stream = EventStream(prediction, reply, content_type=mode, after=after)
        stream.open(history=self._settings.stream_history if mode == SSE else None)
        return True

    def _follow(self, prediction: Prediction, reply: Reply, mode: bytes, *, is_put: bool) -> None:
        """Answer in the way that was asked for, now or later."""
        if mode == ASYNC:
            body = {"id": prediction.id, "status": "starting"}
            reply.send(202, msgspec.json.encode(body | self._place(prediction)))
        elif mode == SYNC:
            self._follow_to_end(prediction, reply)
        else:
            EventStream(prediction, reply, content_type=mode).open()
            if mode == NDJSON:
                if is_put:
                    prediction.when_ended(lambda: self._remembered.keep(prediction))
                return
        if mode != ASYNC:
            prediction.on_abandoned = lambda: self._abandon(prediction)

    def _place(self, prediction: Prediction) -> dict[str, int]:
        """Return what a body says of the queue: nothing of a prediction that has a slot."""
        position = self._model.predictions.queue.position(prediction.id)
        return {} if position is None else {"queue_position": position}

    def _follow_to_end(self, prediction: Prediction, reply: Reply) -> None:
        prediction.followers += 1
        prediction.when_ended(lambda: reply.send(200, prediction.reply()))
        reply.on_gone = prediction.leave

    def _abandon(self, prediction: Prediction) -> None:
        self._log.info("Client left", prediction_id=prediction.id)
        self._model.predictions.cancel(prediction.id)

    def _tell(
        self, prediction: Prediction, body: PredictionRequest, headers: dict[bytes, bytes]
    ) -> None:
        asked = body.webhook_events_filter
        trace = {
            it.decode(): headers[it].decode("latin-1") for it in TRACE_HEADERS if it in headers
        }
        self._webhooks.follow(
            prediction,
            body.webhook or "",
            events=ALL_EVENTS if asked is None else frozenset(asked),
            trace=trace,
        )

    def _refuse_streams(self, noun: str) -> None:
        if noun == "training":
            raise _not_acceptable(NO_TRAINING_STREAMS)
        if not self._model.may_stream:
            raise _not_acceptable(NO_STREAMING)

    def _next_id(self) -> str:
        self._last_id = max(self._last_id + 1, time.time_ns())
        return f"pred_{self._last_id:x}"


SYNC = b"sync"
ASYNC = b"async"


def _mode(headers: dict[bytes, bytes]) -> bytes:
    """Return SSE, NDJSON, ASYNC or SYNC."""
    accept = headers.get(b"accept", b"")
    if SSE in accept:
        return SSE
    if NDJSON in accept:
        return NDJSON
    return ASYNC if headers.get(b"prefer") == b"respond-async" else SYNC


def _refuse_long(prediction_id: str | None) -> None:
    if prediction_id is not None and len(prediction_id) > MAX_ID_CHARACTERS:
        raise invalid([problem(f"Longer than {MAX_ID_CHARACTERS} characters", "id")])


def _not_acceptable(text: str) -> Refusal:
    fields: dict[str, Any] = {"error": text}
    return Refusal(406, msgspec.json.encode(fields))
