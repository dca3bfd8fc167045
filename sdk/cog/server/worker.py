"""The model's worker over all its lives: setup, death, and the next start.

1. The first process was spawned before the server's imports; `adopt` begins to follow it.
2. `Loaded` and `SetupFinished` make it ready. A setup that fails is final: the model is at fault.
3. A worker that dies later is started again, at once or after a pause that doubles; setups that
   fail then are tried a few times, after which it is defunct.
"""

import asyncio
import errno
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from cog.server import wire
from cog.server.container_log import ContainerLog
from cog.server.grace import Grace
from cog.server.process_tree import resident_bytes
from cog.server.settings import Settings
from cog.server.setup_record import SetupRecord
from cog.server.spawning import Spawned
from cog.server.worker_process import WorkerProcess
from cog.worker import messages

MAX_PAUSE_S = 30.0
MAX_FAILED_STARTS = 5
SHUT_DOWN_GRACE_S = 5.0
"""For the model's own `atexit` functions, before the worker is killed."""

SETUP_TIMED_OUT = "worker setup timed out"
GONE = "the worker died, and could not be started again"


class State(str, Enum):
    """What the worker is up to."""

    STARTING = "STARTING"
    READY = "READY"
    SETUP_FAILED = "SETUP_FAILED"
    DEFUNCT = "DEFUNCT"


class Listener(Protocol):
    """Who wants to hear what a worker says about predictions."""

    def receive(self, message: wire.AboutPrediction | messages.Health | messages.Swapped) -> None:
        """Take a message about a prediction, a health check or a swap."""
        ...

    def printed(self, source: str, text: str) -> None:
        """Take what was printed while setup does not run."""
        ...

    def died(self, reason: str) -> None:
        """Note that all that ran is lost."""
        ...

    def loaded(self, loaded: wire.WireLoaded) -> None:
        """Take what the model's signature says."""
        ...

    def set_up(self) -> None:
        """Note that setup has ended, well or not."""
        ...

    def ready(self) -> None:
        """Note that predictions may be sent."""
        ...

    def gone(self, reason: str) -> None:
        """Note that no other worker will follow the one that died."""
        ...


class Worker:
    """Keeps one worker process alive."""

    def __init__(
        self,
        settings: Settings,
        log: ContainerLog,
        listener: Listener,
        *,
        spawn: Callable[[], Spawned],
    ) -> None:
        self.state = State.STARTING
        self.setup = SetupRecord()
        self.loaded: wire.WireLoaded | None = None
        self._settings = settings
        self._log = log
        self._listener = listener
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._seq = 0
        self._process: WorkerProcess | None = None
        self._setup_limit: asyncio.TimerHandle | None = None
        self._next_start: asyncio.TimerHandle | None = None
        self._was_ready = False
        self._deaths = 0
        """In a row, without a prediction that ended well between them."""
        self._is_leaving = False
        self._is_retiring = False
        self._ended = 0
        """Predictions that this process has had."""
        self.is_due_to_retire = False
        """It has had enough, or holds too much: nothing new is to begin in this process."""
        self.died_count = 0
        self.retired_count = 0
        self.ended = asyncio.Event()
        """Set when the process has ended and no other will follow."""

    @property
    def exchange(self) -> str:
        """The folder of the process that lives.

        Raises:
            FileNotFoundError: if none does.
        """
        if self._process is None:
            raise FileNotFoundError(errno.ENOENT, "the worker died")
        return self._process.exchange

    @property
    def will_be_back(self) -> bool:
        """Whether it was ready before, and is starting again."""
        return self.state is State.STARTING and self._was_ready

    @property
    def memory_bytes(self) -> int:
        """Return what the process and its children hold; 0 where that is not known."""
        return 0 if self._process is None else resident_bytes(self._process.pid)

    def adopt(self, spawned: Spawned) -> None:
        """Follow a process that has just been started."""
        self.state = State.STARTING
        self._ended = 0
        self._process = WorkerProcess(spawned, self)
        self._process.follow()
        self._log.info("Worker starting setup")
        if self._settings.setup_timeout_s is not None:
            self._setup_limit = self._loop.call_later(self._settings.setup_timeout_s, self._overdue)

    def next_seq(self) -> int:
        """Return a number for something that the worker is to do; never the same one again."""
        self._seq += 1
        return self._seq

    def send(self, message: wire.ToWorker, *, at_once: bool = True) -> None:
        """Send a message, or let it go with the others of this moment."""
        assert self._process is not None
        self._process.send(message, at_once=at_once)

    def drain_pipes(self) -> None:
        """Tell of everything that was printed until now."""
        if self._process is not None:
            self._process.drain_pipes()

    def cancel(self, seq: int) -> Grace:
        """Ask the worker to stop something; it is killed where that does not end in time."""
        assert self._process is not None
        self._process.send(messages.Cancel(seq))
        is_sync = self.loaded is not None and not self.loaded.is_async
        ring = self._process.ring if is_sync else None
        return Grace(self._settings.cancel_grace_s, ring=ring, give_up=self._stop_waiting)

    def note_success(self) -> None:
        """Note that a prediction ended well: the next death is the first in a row."""
        self._deaths = 0

    def note_end(self) -> None:
        """Note that a prediction ended, well or not, and see whether that was enough."""
        self._ended += 1
        settings = self._settings
        if settings.max_predictions and self._ended >= settings.max_predictions:
            self.is_due_to_retire = True
        if settings.max_worker_bytes and self.memory_bytes > settings.max_worker_bytes:
            self.is_due_to_retire = True

    def swap(self, paths: list[str]) -> bool:
        """Have the process take in new source, if it is ready; `Swapped` comes back then."""
        if self.state is not State.READY or self._process is None:
            return False
        self._process.send(messages.Swap(paths))
        return True

    def restart(self, reason: str) -> None:
        """Begin anew, whatever the process does; a setup that fails then is final again."""
        if self._is_leaving or self._is_retiring:
            return
        self.state = State.STARTING
        self._was_ready = self.is_due_to_retire = False
        self._deaths = 0
        if self._process is not None:
            self._is_retiring = True
            self._process.kill(reason)
            return
        if self._next_start is not None:
            self._next_start.cancel()
        self.ended.clear()
        self._spawn_next()

    def retire_if_due(self) -> None:
        """Replace the process by a fresh one, if it is time; called while nothing runs."""
        if not self.is_due_to_retire or self.state is not State.READY or self._process is None:
            return
        self.is_due_to_retire = False
        self._is_retiring = True
        self.state = State.STARTING
        held = f"{self.memory_bytes / 1024**2:.0f} MiB"
        self._log.info("Replacing the worker", predictions=self._ended, memory=held)
        self._let_go(self._process, SHUT_DOWN_GRACE_S)

    def shut_down(self) -> None:
        """Let the worker leave; kill it if it does not. `ended` is set afterwards."""
        self._is_leaving = True
        if self._process is None:
            self.ended.set()
            return
        self._let_go(self._process, SHUT_DOWN_GRACE_S if self.state is State.READY else 0.0)

    def _let_go(self, process: WorkerProcess, grace_s: float) -> None:
        process.send(messages.ShutDown())
        self._loop.call_later(grace_s, process.kill, "was told to leave")

    def kill_now(self) -> None:
        """End the process and its descendants before this returns; no other follows."""
        self._is_leaving = True
        if self._process is not None:
            self._process.kill_now()

    # What the process tells.

    def receive(self, message: wire.FromWorker) -> None:
        match message:
            case wire.WireLoaded():
                self.loaded = message
                self._listener.loaded(message)
            case messages.SetupFinished(error=error):
                self._finish_setup(error)
            case _:
                self._listener.receive(message)

    def printed(self, source: str, text: str) -> None:
        if self.state is State.STARTING:
            self.setup.add_log(source, text)
        self._listener.printed(source, text)

    def died(self, reason: str) -> None:
        self._process = None
        self._forget_limit()
        if self._is_leaving or (self.state is State.SETUP_FAILED and not self._is_retiring):
            self.ended.set()
            return
        if self._is_retiring:
            self._is_retiring = False
            self.retired_count += 1
            self.state = State.STARTING
            self._listener.died(reason)
            self._spawn_next()
            return
        self.died_count += 1
        self.is_due_to_retire = False
        self._log.error("Worker died", reason=f"The worker {reason}")
        was_setting_up = self.state is State.STARTING
        self.state = State.STARTING  # who hears of the death must not send anything
        if self.setup.completed_at is None:
            self.setup.end(f"worker setup failed: the worker {reason}")
        self._listener.died(reason)
        if was_setting_up and not self._was_ready:
            self.state = State.SETUP_FAILED
        else:
            self._start_again(was_setting_up=was_setting_up)

    def _finish_setup(self, error: str | None) -> None:
        self._forget_limit()
        self.drain_pipes()
        self._listener.set_up()
        if error is not None:
            self._fail_setup(f"worker setup failed: {error}")
            return
        self.state = State.READY
        self._was_ready = True
        self.setup.end(None)
        slots = 1 if self.loaded is None else self.loaded.slots
        self._log.info("Server ready", num_slots=slots, mode=self._settings.mode)
        self._log.info("Setup complete, now accepting requests")
        self._listener.ready()

    def _fail_setup(self, text: str) -> None:
        """Keep the server up with the reason; the worker's memory is given back."""
        self.setup.end(text)
        self._log.error("Setup failed", error=text)
        if not self._was_ready:
            self.state = State.SETUP_FAILED
        if self._process is not None:
            self._process.kill("could not set up the model")

    def _overdue(self) -> None:
        if self.state is State.STARTING:
            if self._process is not None:
                self._process.drain_pipes()
            self._fail_setup(SETUP_TIMED_OUT)

    def _forget_limit(self) -> None:
        if self._setup_limit is not None:
            self._setup_limit.cancel()

    def _stop_waiting(self) -> None:
        if self._process is not None:
            self._deaths = -1  # our own doing: it starts again without a pause
            grace_s = self._settings.cancel_grace_s
            self._process.kill(f"was killed: a prediction did not stop within {grace_s:g} s")

    def _start_again(self, *, was_setting_up: bool) -> None:
        self._deaths += 1
        if was_setting_up and self._deaths > MAX_FAILED_STARTS:
            self.state = State.DEFUNCT
            self._log.error("Giving up on the worker", failed_starts=self._deaths)
            self._listener.gone(GONE)
            return
        doubled_s = self._settings.restart_pause_s * 2.0 ** (self._deaths - 2)
        pause_s = 0.0 if self._deaths <= 1 else min(doubled_s, MAX_PAUSE_S)
        self.state = State.STARTING
        self._log.info("Starting the worker again", pause_s=pause_s)
        self._next_start = self._loop.call_later(pause_s, self._spawn_next)

    def _spawn_next(self) -> None:
        if self._is_leaving:
            self.ended.set()
            return
        try:
            spawned = self._spawn()
        except OSError as error:
            self._log.error("Worker cannot be started", error=str(error))
            self._start_again(was_setting_up=True)
        else:
            self.setup = SetupRecord()
            self.adopt(spawned)
