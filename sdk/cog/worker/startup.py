"""From a reference to a model that is set up.

`read` imports the model's file and inspects its signature, `set_up` makes the predictor and runs
its `setup()`. Failures are one line for the client; tracebacks are printed, into the setup logs.
"""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from types import ModuleType
from typing import Any

from cog.batching import BatchMethod
from cog.errors import CogError
from cog.schema.inspection import interface_of
from cog.schema.interface import Interface
from cog.schema.loading import Model, load
from cog.schema.openapi import document
from cog.worker import failures, weights
from cog.worker.settings import Settings, slots
from cog.worker.swap.errors import NotSafe

NEEDS_ASYNC = "COG_MAX_CONCURRENCY > 1 requires an async run() or predict() method"


class StartFailed(Exception):
    """The model cannot be loaded or set up; the message is for the client."""


@dataclass(frozen=True)
class LoadedModel:
    """A model whose file is imported; its predictor is not made yet."""

    model: Model
    interface: Interface
    document: dict[str, Any]
    slots: int

    @property
    def is_async(self) -> bool:
        """It runs on the event loop; what is wrapped only where several are to run at once."""
        return self.interface.is_async and (self.slots > 1 or not self.interface.is_wrapped)


@dataclass(frozen=True)
class ReadyModel:
    """A model that is set up."""

    interface: Interface
    instance: Any
    """What `setup()` was called on; a function where the model is one."""
    call: Callable[..., Any]
    """The bound `predict`, `run` or `train`, or the function."""
    healthcheck: Callable[[], Any] | None


def read(settings: Settings) -> LoadedModel:
    """Import the model's file and inspect its signature.

    Raises:
        StartFailed: whatever went wrong.
    """
    with _failing("failed to load predictor"):
        model = load(settings.reference or "", settings.mode)
        interface = interface_of(model)
        count = slots(settings.max_concurrency, declared=interface.concurrency)
        return LoadedModel(model, interface, _document(settings, interface), count)


def _document(settings: Settings, interface: Interface) -> dict[str, Any]:
    """Return the OpenAPI document, of both predictor and training where both are there."""
    if settings.predict is None or settings.train is None:
        predict, train = (None, interface) if settings.mode == "train" else (interface, None)
    elif settings.mode == "train":
        predict, train = _other(settings.predict, "predict"), interface
    else:
        predict, train = interface, _other(settings.train, "train")
    return document(predict, train)


def _other(reference: str, mode: str) -> Interface | None:
    """Return the interface of what this worker will not run; None, and a traceback, if broken."""
    try:
        return interface_of(load(reference, mode))
    except BaseException as error:  # noqa: BLE001 - user code may raise anything
        failures.print_traceback(error)
        return None


def set_up(loaded: LoadedModel, weights_value: str | None) -> ReadyModel:
    """Make the predictor and run its `setup()`.

    Raises:
        StartFailed: whatever went wrong.
    """
    model = loaded.model
    if loaded.slots > 1 and not loaded.interface.is_async:
        raise StartFailed(NEEDS_ASYNC)
    with _failing("setup failed"):
        if loaded.is_async:
            _event_loop().main_loop()
        predictor = model.instantiate()
        setup = getattr(predictor, "setup", None) if model.is_class else None
        if setup is not None:
            result = setup(**weights.arguments(loaded.interface, weights_value))
            if isawaitable(result):
                _event_loop().wait(result)
    _note_lonely_batches(loaded)
    return _ready(loaded, predictor)


def reread(
    settings: Settings, before: LoadedModel, instance: Any
) -> tuple[LoadedModel, ReadyModel]:
    """Inspect a model whose code has been swapped; what `setup()` made of it stays.

    Raises:
        StartFailed: if its signature has no schema now.
        NotSafe: if it has to be run in another way.
    """
    loaded = read(settings)
    if (loaded.slots, loaded.is_async) != (before.slots, before.is_async):
        raise NotSafe(f"{loaded.model.method_name}() is to be run in another way")
    return loaded, _ready(loaded, instance)


def _ready(loaded: LoadedModel, instance: Any) -> ReadyModel:
    model = loaded.model
    healthcheck = getattr(instance, "healthcheck", None) if model.is_class else None
    call = model.method(instance)
    return ReadyModel(loaded.interface, instance, call, healthcheck)


def _note_lonely_batches(loaded: LoadedModel) -> None:
    """Say in the setup's logs that a batch never has more than one item where that is so."""
    if loaded.slots > 1 or not loaded.model.is_class:
        return
    for name, value in _attributes(loaded.model.target):
        if isinstance(value, BatchMethod):
            slots_of_use = 2 * value.max_size  # a batch that runs, and the next that gathers
            sys.stderr.write(
                f"note: {name}() is batched, but one prediction runs at a time: put "
                f"@cog.concurrent(max={slots_of_use}) on an async "
                f"{loaded.model.method_name}()\n"
            )


def _attributes(owner: type) -> Iterator[tuple[str, Any]]:
    for ancestor in owner.__mro__:
        yield from vars(ancestor).items()


def _event_loop() -> ModuleType:
    from cog.worker import event_loop  # noqa: PLC0415 - asyncio costs 5 MB

    return event_loop


@contextmanager
def _failing(what: str) -> Generator[None]:
    try:
        yield
    except CogError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        raise StartFailed(f"{what}: {failures.describe(error)}{hint}") from error
    except BaseException as error:
        failures.print_traceback(error)
        raise StartFailed(f"{what}: {failures.describe(error)}") from error
