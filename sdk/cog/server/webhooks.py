"""Tells a client's URL what happens in a prediction.

Deliveries of one prediction go out in order, on a task of their own. Only the last one is worth
more than one attempt: it alone holds everything.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from cog.server.container_log import ContainerLog
from cog.server.events import Event
from cog.server.outgoing import Outgoing
from cog.server.prediction import Prediction
from cog.server.settings import Settings

MAX_RETRIES = 12
FIRST_PAUSE_S = 0.1
MAX_EXPONENT = 10
TIMEOUT_S = 30.0
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})


class _Delivery(NamedTuple):
    """What to tell. Its text is made when it goes out, from what was known at the event."""

    event: str
    has_output: bool
    output_count: int | None

    def body(self, prediction: Prediction) -> bytes:
        fields = prediction.snapshot(output_count=self.output_count)
        if self.event != "completed":
            fields["status"] = "processing"
            fields.pop("error", None)
            fields["metrics"] = _without_predict_time(prediction.metrics)
        if self.event == "start":
            fields["logs"] = ""
        if not self.has_output:
            fields.pop("output", None)
        return msgspec.json.encode(fields)


class Webhooks:
    """Makes deliveries, and knows which are still under way."""

    def __init__(
        self, settings: Settings, log: ContainerLog, outgoing: Outgoing, *, user_agent: str
    ) -> None:
        self.throttle_s = settings.throttle_s
        self._log = log
        self._outgoing = outgoing
        self._headers = {"Content-Type": "application/json", "User-Agent": user_agent}
        if settings.webhook_token:
            self._headers["Authorization"] = f"Bearer {settings.webhook_token}"
        self.under_way: set[asyncio.Task[None]] = set()

    def follow(
        self, prediction: Prediction, url: str, *, events: frozenset[str], trace: dict[str, str]
    ) -> None:
        """Tell a URL about a prediction that has not begun."""
        webhook = _Webhook(self, prediction, url, events, {**self._headers, **trace})
        prediction.listen(webhook.notice)

    async def deliver(
        self, url: str, headers: dict[str, str], prediction: Prediction, delivery: _Delivery
    ) -> None:
        """Post once; or, the last time, until it is taken or hope is gone."""
        body = delivery.body(prediction)
        retries = MAX_RETRIES if delivery.event == "completed" else 0
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(pause_s(attempt))
            failure = await self._post(url, headers, body)
            if failure is None:
                return
            self._log.warning("Webhook failed", prediction_id=prediction.id, error=failure.text)
            if not failure.may_pass:
                return

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> "_Failure | None":
        session = await self._outgoing.session()
        errors = await self._outgoing.errors()
        timeout = self._outgoing.timeout(read_s=TIMEOUT_S, total_s=TIMEOUT_S)
        try:
            async with session.post(url, data=body, headers=headers, timeout=timeout) as response:
                if response.status < 400:  # noqa: PLR2004 - errors begin there
                    return None
                return _Failure(f"{response.status}", response.status in RETRIED_STATUSES)
        except errors as error:
            return _Failure(self._outgoing.reason(error), self._outgoing.may_pass(error))


class _Failure(NamedTuple):
    text: str
    may_pass: bool
    """Another attempt may go better."""


class Throttle:
    """Lets something through at most once an interval, and never loses the last one."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_s = float("-inf")
        self._is_planned = False

    def delay_s(self, now_s: float) -> float | None:
        """Return how long to wait before going on; None if somebody waits already."""
        if self._is_planned:
            return None
        self._is_planned = True
        return max(0.0, self._next_s - now_s)

    def passed(self, now_s: float) -> None:
        """Note that it went through."""
        self._is_planned = False
        self._next_s = now_s + self._interval_s


class _Webhook:
    """The deliveries of one prediction."""

    def __init__(
        self,
        webhooks: Webhooks,
        prediction: Prediction,
        url: str,
        events: frozenset[str],
        headers: dict[str, str],
    ) -> None:
        self._webhooks = webhooks
        self._prediction = prediction
        self._url = url
        self._events = events
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._throttle = Throttle(webhooks.throttle_s)
        self._queue: asyncio.Queue[_Delivery | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def notice(self, event: Event) -> None:
        """Take an event of the prediction."""
        if event.name == "start" and event.fields["status"] == "starting":
            return  # it waits for a slot: nothing has begun
        name = "logs" if event.name == "log" else event.name
        if name == "logs" and name in self._events:
            delay_s = self._throttle.delay_s(self._loop.time())
            if delay_s is not None:
                self._after(delay_s, self._tell_logs)
        elif name in self._events:
            self._tell(name)
        if name == "completed":
            self._queue.put_nowait(None)

    def _after(self, delay_s: float, callback: Callable[[], None]) -> None:
        if delay_s:
            self._loop.call_later(delay_s, callback)
        else:
            callback()

    def _tell_logs(self) -> None:
        self._throttle.passed(self._loop.time())
        if not self._prediction.is_ended:
            self._tell("logs")

    def _tell(self, name: str) -> None:
        output: Any = self._prediction.output
        count = len(output) if isinstance(output, list) else None
        self._queue.put_nowait(_Delivery(name, output is not None, count))
        if self._task is None:
            self._task = self._loop.create_task(self._run())
            self._webhooks.under_way.add(self._task)
            self._task.add_done_callback(self._webhooks.under_way.discard)

    async def _run(self) -> None:
        while (delivery := await self._queue.get()) is not None:
            await self._webhooks.deliver(self._url, self._headers, self._prediction, delivery)


def _without_predict_time(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics of a prediction that is told as running, though it may have ended."""
    return {name: value for name, value in metrics.items() if name != "predict_time"}


def pause_s(attempt: int) -> float:
    """Return how long to wait before the n-th retry."""
    return float(FIRST_PAUSE_S * 2 ** min(attempt - 1, MAX_EXPONENT))
