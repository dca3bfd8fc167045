"""`--reload`: a change of the project's source reaches the model that is served.

With `restart` a fresh worker takes over. With `keep` the worker stays, and what `setup()` made with
it: the changed code is swapped in, and the last inputs run again. What could not be swapped safely
leads to a fresh worker after all, and the log says why in one line.
"""

import asyncio
from pathlib import Path

from cog.server.container_log import ContainerLog
from cog.server.errors import Refusal
from cog.server.intake import Intake
from cog.server.prediction import Prediction
from cog.server.settings import KEEP, Settings
from cog.server.sources_watch import CONFIG, SourcesWatch
from cog.server.worker import Worker
from cog.worker.messages import Swapped

POLL_S = 0.25
MAX_SHOWN = 2000
"""Characters of an output in the log."""


class Reloading:
    """Watches the project while the server runs."""

    def __init__(
        self, settings: Settings, log: ContainerLog, worker: Worker, intake: Intake, *, root: Path
    ) -> None:
        self._keeps = settings.reload == KEEP
        self._log = log
        self._worker = worker
        self._intake = intake
        self._root = root
        self._is_run_due = False
        """The last inputs run again when the model is ready."""

    async def watch(self) -> None:
        """Go on until canceled."""
        loop = asyncio.get_running_loop()
        watch = await loop.run_in_executor(None, SourcesWatch, self._root)
        self._log.info("Watching the project's source", folder=str(self._root))
        while True:
            await asyncio.sleep(POLL_S)
            changed = await loop.run_in_executor(None, watch.changed)
            while changed and (more := await self._more(watch)):  # an editor saves many at once
                changed |= more
            if changed:
                self._take(changed)

    async def _more(self, watch: SourcesWatch) -> set[Path]:
        await asyncio.sleep(POLL_S / 2)
        return await asyncio.get_running_loop().run_in_executor(None, watch.changed)

    def _take(self, changed: set[Path]) -> None:
        sources = sorted(path for path in changed if path.name != CONFIG)
        if len(sources) < len(changed):
            self._log.warning(f"{CONFIG} changed: stop and start again for what it says now")
        if not sources:
            return
        if not (self._keeps and self._worker.swap([str(path) for path in sources])):
            self._restart(f"{self._names(sources)} changed")

    def swapped(self, answer: Swapped) -> None:
        """Take the worker's word of a swap."""
        if not answer.is_safe:
            self._restart(answer.problem or "the code cannot be swapped")
        elif answer.problem is not None:
            self._log.error(f"Kept the code as it was: {answer.problem}")
        elif answer.labels:
            self._log.info(f"Swapped {', '.join(answer.labels)}")
            self._run_again()

    def ready(self) -> None:
        """Note that a worker is ready."""
        if self._is_run_due:
            self._is_run_due = False
            self._run_again()

    def _restart(self, reason: str) -> None:
        self._log.info(f"Starting the worker anew: {reason}")
        self._is_run_due = self._keeps
        self._worker.restart(f"was replaced, as {reason}")

    def _run_again(self) -> None:
        try:
            prediction = self._intake.run_again()
        except Refusal as refusal:
            reason = refusal.body.decode(errors="replace")
            self._log.warning(f"The last inputs do not run again: {reason}")
            return
        if prediction is not None:
            self._log.info("Running the last inputs again")
            prediction.when_ended(lambda: self._tell(prediction))

    def _tell(self, prediction: Prediction) -> None:
        took = f"{prediction.metrics.get('predict_time', 0):.2f} s"
        said = prediction.error or prediction.output_text()
        self._log.info(f"The last inputs {prediction.status.value} in {took}: {said[:MAX_SHOWN]}")

    def _names(self, sources: list[Path]) -> str:
        shown = [path.relative_to(self._root).as_posix() for path in sources]
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""  # noqa: PLR2004 - one line
        return ", ".join(shown[:3]) + more
