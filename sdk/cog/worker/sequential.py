"""Answering the server one message at a time, on the main thread: synchronous predictors."""

from collections.abc import Callable, Iterator
from types import CoroutineType
from typing import Any

from cog.schema.coercion import arguments
from cog.worker import health
from cog.worker.answer import Answer, Surroundings
from cog.worker.cancel import CancelBell
from cog.worker.connection import Connection
from cog.worker.messages import CheckHealth, Health, Predict, ShutDown, Swap
from cog.worker.renewing import Renewing
from cog.worker.startup import ReadyModel

_END = object()


class SequentialWorker:
    """Runs predictions of one synchronous model."""

    def __init__(
        self,
        connection: Connection,
        bell: CancelBell,
        model: ReadyModel,
        surroundings: Surroundings,
        renewal: Renewing | None = None,
    ) -> None:
        self._connection = connection
        self._bell = bell
        self._model = model
        self._surroundings = surroundings
        self._renewal = renewal

    def serve(self) -> None:
        """Answer messages until the server shuts the worker down, or goes away."""
        while True:
            message = self._connection.receive()
            if type(message) is Predict:
                self._predict(message)
            elif type(message) is CheckHealth:
                self._check_health(message.seq)
            elif type(message) is Swap and self._renewal is not None:
                self._model = self._renewal.renew(message, self._model)
                self._surroundings = self._surroundings.of(self._model.interface)
            elif message is None or type(message) is ShutDown:
                return

    def _predict(self, request: Predict) -> None:
        answer = Answer(request, self._surroundings)
        with answer.scope.entered():
            error = self._outcome(request, answer)
        answer.finish(error, is_canceled=self._bell.is_canceled(request.seq))
        # An exception holds the frames that it passed, and they hold this one: a cycle that would
        # keep the model's variables, and perhaps a GPU's memory, until garbage is collected.
        del error

    def _outcome(self, request: Predict, answer: Answer) -> BaseException | None:
        """Run user code and return what it raised."""
        try:
            self._run(request, answer)
        except BaseException as error:  # noqa: BLE001 - user code may raise anything
            return error
        return None

    def _run(self, request: Predict, answer: Answer) -> None:
        seq = request.seq
        inputs = arguments(self._model.interface, request.input, request.fetched)
        if self._connection.has_received:
            self._bell.look(seq)
        if self._bell.is_canceled(seq):
            return
        result = self._bell.call(seq, self._model.call, **inputs)
        if type(result) is CoroutineType:
            result = self._bell.call(seq, _wait, result)
        if self._bell.is_canceled(seq):
            return
        if answer.is_stream(result):
            self._stream(seq, result, answer)
        else:
            answer.set_output(result)

    def _stream(self, seq: int, result: Any, answer: Answer) -> None:
        iterator: Iterator[Any] = self._bell.call(seq, _items, result)
        try:
            while not self._bell.is_canceled(seq):
                item = self._bell.call(seq, next, iterator, _END)
                if item is _END:
                    return
                answer.add_item(item)
        finally:
            close: Callable[[], None] | None = getattr(iterator, "close", None)
            if close is not None:
                close()

    def _check_health(self, seq: int) -> None:
        error: str | None = None
        try:
            error = health.verdict(self._bell.call(seq, self._healthcheck))
        except BaseException as caught:  # noqa: BLE001 - user code may raise anything
            error = health.failure(caught)
        self._surroundings.streams.settle()
        self._connection.send(Health(seq, error))

    def _healthcheck(self) -> Any:
        result = self._model.healthcheck() if self._model.healthcheck else True
        return _wait(result) if type(result) is CoroutineType else result


def _items(result: Any) -> Iterator[Any]:
    """Return an iterator of a stream; of one that is async it waits for each item."""
    if hasattr(result, "__iter__"):
        return iter(result)
    from cog.worker.event_loop import items  # noqa: PLC0415 - asyncio costs 5 MB

    return items(result)


def _wait(coroutine: Any) -> Any:
    """Run what only looked synchronous: a wrapper hid its `async def`."""
    from cog.worker.event_loop import wait  # noqa: PLC0415 - asyncio costs 5 MB

    return wait(coroutine)
