"""The model as the server sees it: its document, its worker, its predictions, its health."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

from cog.server.container_log import ContainerLog
from cog.server.files import InputFiles
from cog.server.health import UserHealth
from cog.server.outgoing import Outgoing
from cog.server.predictions import Predictions
from cog.server.prints import Prints
from cog.server.settings import Settings
from cog.server.spawning import Spawned
from cog.server.uploads import OutputFiles
from cog.server.validation import InputSchema
from cog.server.wire import AboutPrediction, WireLoaded
from cog.server.worker import State, Worker
from cog.worker.messages import Health, Swapped

BUILT_DOCUMENT = Path(".cog/openapi_schema.json")
"""Written into images; used only where the worker could not make one."""


class Model:
    """Joins the parts, and hands on what the worker tells."""

    def __init__(
        self,
        settings: Settings,
        log: ContainerLog,
        outgoing: Outgoing,
        *,
        spawn: Callable[[], Spawned],
    ) -> None:
        self._log = log
        self._settings = settings
        self._prints = Prints(log)
        self.worker = Worker(settings, log, self, spawn=spawn)
        self.user_health = UserHealth(self.worker, limit_s=settings.health_limit_s)
        self.predictions = Predictions(
            self.worker,
            log,
            self._prints,
            InputFiles(settings, outgoing),
            OutputFiles(settings.upload_url, outgoing),
            queue_size=settings.queue_size,
        )
        self.on_swapped: Callable[[Swapped], None] = _do_nothing
        self.on_ready: Callable[[], None] = _do_nothing
        self.document: bytes | None = None
        """OpenAPI, as JSON."""
        self.schema: InputSchema | None = None
        """None where nothing is known: every input is taken."""
        self.may_stream = False
        self.has_training = False
        self._is_document_given = settings.openapi_path is not None
        path = Path(settings.openapi_path) if settings.openapi_path else BUILT_DOCUMENT
        if self._is_document_given or path.is_file():
            self._take_document(path.read_bytes())

    async def health_error(self) -> str | None:
        """Return what the model's own check complains of, if it has one and is free for it."""
        loaded = self.worker.loaded
        is_asked = loaded is not None and loaded.has_healthcheck
        is_free = self.worker.state is State.READY and self.predictions.has_free_slot
        return await self.user_health.check() if is_asked and is_free else None

    @property
    def status(self) -> str:
        """Where the model stands, in the words of `/health-check`."""
        if self.worker.state is State.READY and not self.predictions.has_free_slot:
            return "BUSY"
        return self.worker.state.value

    # What the worker tells.

    def receive(self, message: AboutPrediction | Health | Swapped) -> None:
        if isinstance(message, Health):
            self.user_health.receive(message)
        elif isinstance(message, Swapped):
            self.on_swapped(message)
        else:
            self.predictions.receive(message)

    def printed(self, source: str, text: str) -> None:
        self.predictions.printed(source, text)

    def loaded(self, loaded: WireLoaded) -> None:
        if not self._is_document_given:
            self._take_document(bytes(loaded.document))

    def set_up(self) -> None:
        self._prints.flush(None)

    def ready(self) -> None:
        self.predictions.go_on()
        self.on_ready()

    def gone(self, reason: str) -> None:
        self.predictions.give_up(reason)

    def died(self, reason: str) -> None:
        self._prints.flush(None)
        self.user_health.died()
        self.predictions.died(reason)

    def _take_document(self, content: bytes) -> None:
        try:
            document: Any = msgspec.json.decode(content)
            schemas = document["components"]["schemas"]
            is_training = self._settings.mode == "train" and "TrainingInput" in schemas
            component = "TrainingInput" if is_training else "Input"
            self.has_training = "TrainingInput" in schemas
            self.schema = None
            if component in schemas:
                self.schema = InputSchema(document, component=component, warn=self._leave_pattern)
            post = document.get("paths", {}).get("/predictions", {}).get("post", {})
            self.may_stream = post.get("x-cog-streaming") is True
        except (msgspec.MsgspecError, LookupError, TypeError, AttributeError, ValueError) as error:
            self._log.warning("OpenAPI document cannot be used", error=str(error))
        except jsonschema_rs.ValidationError as error:
            self._log.warning("OpenAPI document cannot be used", error=error.message)
        else:
            self.document = content

    def _leave_pattern(self, pattern: str) -> None:
        self._log.warning("Pattern cannot be checked before the worker does", pattern=pattern)


def _do_nothing(*_told: object) -> None:
    """Take what nobody waits for."""
