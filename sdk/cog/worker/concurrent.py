"""Answering the server on one event loop, several messages at a time: async predictors."""

import asyncio
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from cog.schema.coercion import arguments
from cog.worker import failures, health, routing
from cog.worker.answer import Answer, Surroundings
from cog.worker.connection import Connection
from cog.worker.event_loop import main_loop
from cog.worker.messages import Cancel, CheckHealth, Health, Predict, ShutDown, Swap
from cog.worker.renewing import Renewing
from cog.worker.routing import PredictionLog
from cog.worker.startup import ReadyModel


class ConcurrentWorker:
    """Runs predictions of one async model."""

    def __init__(
        self,
        connection: Connection,
        model: ReadyModel,
        surroundings: Surroundings,
        *,
        slots: int,
        renewal: Renewing | None = None,
    ) -> None:
        self._connection = connection
        self._model = model
        self._surroundings = surroundings
        self._renewal = renewal
        self._is_routed = slots > 1
        self._loop = main_loop()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._begun: set[int] = set()
        """A task that is canceled before it has begun would not even run its own error handling."""
        self._canceled: set[int] = set()
        self._is_leaving = False
        self._is_flush_due = False
        self._unbegun = 0
        """How many have a task whose first step is to come."""

    def serve(self) -> None:
        """Answer messages until the server shuts the worker down, or goes away."""
        self._connection.schedule_flush = self._schedule_flush
        self._loop.add_reader(self._connection.descriptor, self._read)
        self._loop.call_soon(self._read)
        while not (self._is_leaving or self._connection.is_ended or self._loop.is_closed()):
            self._run_loop()
        self._connection.flush()

    def _run_loop(self) -> None:
        try:
            self._loop.run_forever()
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a task of the user's own
            failures.print_traceback(error)

    def _schedule_flush(self) -> None:
        """Write once for all predictions that came together and ended at once.

        What ends later is written right away: the next one's code might block the loop for long.
        """
        if not self._unbegun:
            self._connection.flush()
        elif not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        self._connection.flush()

    def _read(self) -> None:
        self._connection.read_waiting()
        for message in self._connection.take_received():
            self._answer(message)
        if self._connection.is_ended or self._is_leaving:
            self._loop.stop()

    def _answer(self, message: Any) -> None:
        if type(message) is Predict:
            self._begin(message.seq, self._predict(message))
        elif type(message) is CheckHealth:
            self._begin(message.seq, self._check_health(message.seq))
        elif type(message) is Cancel and message.seq in self._tasks:
            self._canceled.add(message.seq)
            if message.seq in self._begun:
                self._tasks[message.seq].cancel()
        elif type(message) is Swap and self._renewal is not None:
            self._model = self._renewal.renew(message, self._model)
            self._surroundings = self._surroundings.of(self._model.interface)
        elif type(message) is ShutDown:
            self._is_leaving = True

    def _begin(self, seq: int, coroutine: Any) -> None:
        self._unbegun += 1
        self._tasks[seq] = self._loop.create_task(coroutine)

    async def _predict(self, request: Predict) -> None:
        """Run one prediction; its task's context is its own, so nothing need be reset."""
        self._unbegun -= 1
        log = PredictionLog(request.seq, self._connection) if self._is_routed else None
        routing.current.set(log)
        answer = Answer(request, self._surroundings, log)
        with answer.scope.entered():
            error = await self._outcome(request.seq, self._run(request, answer))
        answer.finish(error, is_canceled=self._end(request.seq))
        del error  # and with it the model's variables: see SequentialWorker

    async def _run(self, request: Predict, answer: Answer) -> None:
        result = self._model.call(
            **arguments(self._model.interface, request.input, request.fetched)
        )
        if isawaitable(result):
            result = await result
        if request.seq in self._canceled:
            return
        if not answer.is_stream(result):
            answer.set_output(result)
        elif hasattr(result, "__aiter__"):
            await _stream(result, answer)
        else:
            for item in result:
                answer.add_item(item)

    async def _check_health(self, seq: int) -> None:
        self._unbegun -= 1
        verdict: list[str | None] = [None]

        async def check() -> None:
            function = self._model.healthcheck or _healthy
            is_async = iscoroutinefunction(function)
            result = function() if is_async else await asyncio.to_thread(function)
            verdict[0] = health.verdict(await result if isawaitable(result) else result)

        error = await self._outcome(seq, check())
        self._end(seq)
        self._surroundings.streams.settle()
        self._connection.send(Health(seq, health.failure(error) if error else verdict[0]))

    async def _outcome(self, seq: int, user_code: Any) -> BaseException | None:
        """Await user code and return what it raised."""
        if seq in self._canceled:
            user_code.close()
            return None
        self._begun.add(seq)
        try:
            await user_code
        except BaseException as error:  # noqa: BLE001 - user code may raise anything
            return error
        return None

    def _end(self, seq: int) -> bool:
        """Forget a prediction, and say whether it was canceled."""
        del self._tasks[seq]
        self._begun.discard(seq)
        if self._connection.is_ended:
            self._loop.stop()
        was_canceled = seq in self._canceled
        self._canceled.discard(seq)
        return was_canceled


async def _stream(iterator: Any, answer: Answer) -> None:
    try:
        async for item in iterator:
            answer.add_item(item)
            # A generator that never waits must not hold up the others, or its own cancel.
            await asyncio.sleep(0)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


def _healthy() -> bool:
    return True
