"""The answer to `Swap`: new code, the interface that it has, and word of both to the server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cog.batcher import Batcher
from cog.worker import startup
from cog.worker.messages import Loaded, Swap, Swapped
from cog.worker.settings import Settings
from cog.worker.startup import LoadedModel, ReadyModel, StartFailed
from cog.worker.swap.errors import Broken, NotSafe
from cog.worker.swap.sources import Sources
from cog.worker.swap.swapping import swap


class Sender(Protocol):
    """What a renewal needs of the connection."""

    def send(self, *messages: Any) -> None: ...


class Renewal:
    """Keeps a model up with its source; made before `setup()`, which may take long."""

    def __init__(
        self,
        settings: Settings,
        loaded: LoadedModel,
        connection: Sender,
        describe: Callable[[LoadedModel], Loaded],
    ) -> None:
        self._settings = settings
        self._loaded = loaded
        self._connection = connection
        self._describe = describe
        self._sources = Sources(Path.cwd())
        self._sources.note()

    def renew(self, message: Swap, model: ReadyModel) -> ReadyModel:
        """Swap, tell the server, and return the model as it is now."""
        try:
            labels = swap(self._sources, map(Path, message.paths))
        except Broken as broken:
            self._connection.send(Swapped([], str(broken)))
            return model
        except NotSafe as reason:
            self._connection.send(Swapped([], str(reason), is_safe=False))
            return model
        return self._reread(labels, model)

    def _reread(self, labels: list[str], model: ReadyModel) -> ReadyModel:
        try:
            loaded, ready = startup.reread(self._settings, self._loaded, model.instance)
        except StartFailed as failed:
            self._connection.send(Swapped(labels, str(failed)))
            return model
        except NotSafe as reason:
            self._connection.send(Swapped(labels, str(reason), is_safe=False))
            return model
        self._loaded = loaded
        _forget_batchers(model.instance)
        self._connection.send(self._describe(loaded), Swapped(labels))
        return ready


def _forget_batchers(instance: Any) -> None:
    """Have batched methods make their queues anew: an old one calls the old method."""
    attributes = getattr(instance, "__dict__", {})
    for name in [name for name, value in attributes.items() if isinstance(value, Batcher)]:
        del attributes[name]
