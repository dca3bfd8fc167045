"""Creates, follows, cancels and ends predictions; never more at once than the worker has slots.

The life of one: `create` takes a slot, or a place in the queue until one is free; its input files
are fetched, `Predict` goes to the worker, outputs come back and their files become URLs,
`Completed` follows them, the slot is free.
"""

import asyncio
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from cog.server.container_log import ContainerLog
from cog.server.errors import InputFileError, UploadError, failed_refusal
from cog.server.file_places import Place
from cog.server.files import InputFiles
from cog.server.prediction import Prediction
from cog.server.prints import Prints
from cog.server.queue import Queue
from cog.server.run import Run
from cog.server.statistics import Statistics
from cog.server.uploads import OutputFiles, discard
from cog.server.wire import AboutPrediction, WireCompleted, WireOutput, WirePredict
from cog.server.worker import State, Worker
from cog.worker.messages import Log, Metric

AT_CAPACITY = "At capacity - all prediction slots busy"
QUEUE_FULL = AT_CAPACITY + ", and the queue of {} is full"
SAME_ID = "A prediction with this id is already running"


class Predictions:
    """All predictions that are under way."""

    def __init__(
        self,
        worker: Worker,
        log: ContainerLog,
        prints: Prints,
        inputs: InputFiles,
        outputs: OutputFiles,
        *,
        queue_size: int = 0,
    ) -> None:
        self._worker = worker
        self._log = log
        self._prints = prints
        self._inputs = inputs
        self._outputs = outputs
        self._runs: dict[str, Run] = {}
        self._by_seq: dict[int, Run] = {}
        self.queue = Queue(queue_size)
        """Those of the runs that wait for a slot."""
        self.statistics = Statistics()
        self.idle = asyncio.Event()
        """Set while nothing is under way."""
        self.idle.set()

    @property
    def count(self) -> int:
        """How many have a slot."""
        return len(self._runs) - len(self.queue)

    @property
    def has_free_slot(self) -> bool:
        loaded = self._worker.loaded
        return loaded is not None and self.count < loaded.slots

    @property
    def may_create(self) -> bool:
        """Whether the model takes predictions: now, or once it is back and the queue moves on."""
        if self._worker.state is State.READY:
            return True
        return bool(self.queue.size) and self._worker.will_be_back

    def find(self, prediction_id: str) -> Prediction | None:
        """Return a prediction that is under way."""
        run = self._runs.get(prediction_id)
        return None if run is None else run.prediction

    def create(
        self,
        prediction_id: str,
        inputs: dict[str, Any],
        context: dict[str, str],
        *,
        size_bytes: int = 0,
    ) -> Prediction:
        """Take a slot for a prediction, or a place in the queue, and do nothing yet.

        Args:
            prediction_id: Names it among those that are under way.
            inputs: Checked by the schema.
            context: What the request's body gave.
            size_bytes: How large that was: what waits holds all of it.

        Raises:
            Refusal: 409 if neither is free, or the id is in use.
        """
        must_wait = len(self.queue) > 0 or not self._may_start
        if must_wait and not self.queue.has_room(size_bytes):
            self.statistics.refused += 1
            full = QUEUE_FULL.format(self.queue.size) if self.queue.size else AT_CAPACITY
            raise failed_refusal(409, full)
        if prediction_id in self._runs:
            raise failed_refusal(409, SAME_ID)
        prediction = Prediction(prediction_id, inputs, context)
        run = self._runs[prediction_id] = Run(prediction, size_bytes)
        if must_wait:
            self.queue.add(run)
            prediction.queue(len(self.queue))
        self.idle.clear()
        return prediction

    def begin(self, prediction: Prediction, files: Sequence[Place]) -> None:
        """Run a prediction that was created, now or when it is its turn."""
        run = self._runs.get(prediction.id)
        if run is None:
            return  # its client has gone, and left the queue with it
        run.files = files
        if prediction.id not in self.queue:
            self._begin(run)

    def go_on(self) -> None:
        """Give free slots to those that wait longest."""
        while len(self.queue) and self._may_start:
            self._begin(self.queue.take())

    def give_up(self, reason: str) -> None:
        """Fail all that wait: no worker will take them."""
        for run in self.queue.runs:
            self._end(run, _failed(run.prediction, f"Prediction failed: {reason}"))

    @property
    def _may_start(self) -> bool:
        is_ready = self._worker.state is State.READY and not self._worker.is_due_to_retire
        return is_ready and self.has_free_slot

    def _begin(self, run: Run) -> None:
        prediction, files = run.prediction, run.files
        self.statistics.began(prediction.waited_s)
        if files:
            run.task = self._task(run, self._fetch_and_start(run, files))
        else:
            self._start(run, prediction.input, ())

    def cancel(self, prediction_id: str) -> bool:
        """Cancel a prediction; False if none of that id is under way."""
        run = self._runs.get(prediction_id)
        if run is None:
            return False
        if not run.prediction.is_canceling:
            run.prediction.is_canceling = True
            self._log.info("Cancelling prediction", prediction_id=prediction_id)
            if run.prediction.seq in self._by_seq:
                run.grace = self._worker.cancel(run.prediction.seq)
            else:  # its files are on their way, in or out
                self._end(run, WireCompleted(0, "canceled", run.prediction.age_s))
        return True

    # What the worker tells.

    def receive(self, message: AboutPrediction) -> None:
        """Take a message; one about a prediction that is gone means nothing."""
        run = self._by_seq.get(message.seq)
        if run is None:
            if isinstance(message, WireOutput):
                discard(message)
            return
        match message:
            case Log(stream=stream, text=text):
                run.prediction.add_log(stream, text)
                self._prints.echo(stream, text, prediction_id=run.prediction.id)
            case Metric():
                run.prediction.add_metric(message)
            case WireCompleted():
                self._complete(run, message)
            case WireOutput(files=[]) if not run.unsettled:
                run.prediction.add_output(message.value, is_item=message.is_item)
            case WireOutput():
                self._settle_later(run, message)

    def printed(self, source: str, text: str) -> None:
        """Take what the worker printed: the log of the prediction that runs, if it is the only one.

        Of several it may be anybody's, so it is nobody's and goes to the container's log alone.
        """
        if len(self._by_seq) != 1:
            self._prints.echo(source, text, prediction_id=None)
            return
        (run,) = self._by_seq.values()
        self._prints.echo(source, text, prediction_id=run.prediction.id)
        run.prediction.add_log(source, text)

    def died(self, reason: str) -> None:
        """End everything that the worker had."""
        for run in tuple(self._by_seq.values()):
            if run.prediction.is_canceling:
                outcome = WireCompleted(0, "canceled", run.prediction.age_s)
            else:
                outcome = _failed(run.prediction, f"Prediction failed: the worker {reason}")
            self._end(run, outcome)

    # The steps.

    async def _fetch_and_start(self, run: Run, places: Sequence[Place]) -> None:
        prediction = run.prediction
        try:
            run.folder = tempfile.mkdtemp(prefix="inputs-", dir=self._worker.exchange)
            inputs = await self._inputs.fetch(prediction.input, places, run.folder)
        except InputFileError as error:
            self._end(run, _failed(prediction, f"Input validation error: {error.message}"))
        except FileNotFoundError:
            self._start(run, {}, places, is_too_late=True)
        except OSError as error:
            reason = f"an input's file cannot be written: {error.strerror}"
            self._end(run, _failed(prediction, f"Prediction failed: {reason}"))
        else:
            # The folder went with a worker that died meanwhile, even if another has taken over.
            is_there = Path(run.folder).is_dir()  # noqa: ASYNC240 - one call on a local disk
            self._start(run, inputs, places, is_too_late=not is_there)

    def _start(
        self,
        run: Run,
        inputs: dict[str, Any],
        places: Sequence[Place],
        *,
        is_too_late: bool = False,
    ) -> None:
        prediction = run.prediction
        if is_too_late or self._worker.state is not State.READY:
            self._end(
                run, _failed(prediction, "Prediction failed: the worker died before it began")
            )
            return
        self._take_prints()
        prediction.seq = self._worker.next_seq()
        self._by_seq[prediction.seq] = run
        if self._log.is_debug:
            self._log.debug("Starting prediction", prediction_id=prediction.id)
        prediction.start()
        fetched = [list(place) for place in places]
        self._worker.send(
            WirePredict(prediction.seq, prediction.id, inputs, fetched, prediction.context),
            at_once=len(self._by_seq) == 1,
        )

    def _complete(self, run: Run, completed: WireCompleted) -> None:
        self._take_prints()
        self._by_seq.pop(run.prediction.seq, None)
        run.stop_grace()
        if run.unsettled:
            run.unsettled.append(completed)
        else:
            self._end(run, run.failure or completed)

    def _take_prints(self) -> None:
        """Before it changes what runs: what was printed until now belongs to what ran until now.

        What is printed while several run is nobody's, now and later.
        """
        if len(self._by_seq) < 2:  # noqa: PLR2004 - several
            self._worker.drain_pipes()

    def _settle_later(self, run: Run, message: WireOutput) -> None:
        """Have an output's files delivered; what follows it waits for that."""
        if run.failure is not None:
            discard(message)
            return
        run.unsettled.append(message)
        if run.task is None or run.task.done():
            run.task = self._task(run, self._settle(run))

    async def _settle(self, run: Run) -> None:
        while run.unsettled:
            message = run.unsettled[0]
            if isinstance(message, WireCompleted):
                self._end(run, message)
                return
            try:
                value = await self._outputs.resolve(message, prediction_id=run.prediction.id)
            except UploadError as error:
                self._fail(run, error.message)
                return
            run.prediction.add_output(value, is_item=message.is_item)
            run.unsettled.popleft()

    def _fail(self, run: Run, text: str) -> None:
        """Fail a prediction here, once the worker no longer works on it."""
        run.failure = _failed(run.prediction, f"Prediction failed: {text}")
        run.drop_unsettled()
        if run.prediction.seq not in self._by_seq:
            self._end(run, run.failure)
        elif run.grace is None:
            run.grace = self._worker.cancel(run.prediction.seq)

    def _task(self, run: Run, steps: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start the steps; a mistake of ours in one fails the prediction."""
        task = asyncio.ensure_future(steps)

        def check(ended: "asyncio.Task[None]") -> None:
            if not ended.cancelled() and (error := ended.exception()) is not None:
                self._log.error("Prediction step failed", error=repr(error))
                self._fail(run, f"the server failed: {error!r}")

        task.add_done_callback(check)
        return task

    def _end(self, run: Run, outcome: WireCompleted) -> None:
        prediction = run.prediction
        self._by_seq.pop(prediction.seq, None)
        self._runs.pop(prediction.id, None)
        self.queue.leave(prediction.id)
        run.close()
        if not self._runs:
            self.idle.set()
        self._prints.flush(prediction.id)
        if outcome.status == "succeeded":
            self._worker.note_success()
        elif outcome.status == "failed":
            self._log.info("Prediction failed", prediction_id=prediction.id, error=outcome.error)
        else:
            self._log.info("Prediction cancelled", prediction_id=prediction.id)
        self.statistics.ended(outcome)
        if prediction.seq:
            self._worker.note_end()
        prediction.end(outcome)
        if self.count == 0:
            self._worker.retire_if_due()
        if len(self.queue):
            self.go_on()


def _failed(prediction: Prediction, error: str) -> WireCompleted:
    return WireCompleted(0, "failed", prediction.age_s, error)
