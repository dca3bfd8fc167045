"""`describe`: what `python -m cog.schema` would say of a project, from its source alone."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cog.errors import CogError, ModelLoadError
from cog.input import FieldInfo
from cog.schema.inspection import interface_of
from cog.schema.interface import Interface
from cog.schema.loading import PREDICT, TRAIN, Model, find
from cog.schema.openapi import document
from cog.schema.signatures import texts_read_by
from cog.schema.static.calls import require_known
from cog.schema.static.interpreter import Interpreter
from cog.schema.static.scopes import state_of
from cog.schema.static.slow_patterns import arguments_of, refuse_slow_patterns
from cog.schema.static.texts import text_reader
from cog.schema.static.unknown import CannotTell, known
from cog.schema.value_types import ChoiceType, ModelType, Type, parts

_ONE_AT_A_TIME = threading.Lock()
"""The modules' stand-ins are in `sys.modules` meanwhile, as classes are looked up there."""


def describe(root: Path, predict: str | None, train: str | None = None) -> dict[str, Any]:
    """Return what the references in a folder take and give, as `cog.schema.__main__` prints it.

    `sources` are the project's files that were read. Nothing is imported, and no code is run.

    Raises:
        CannotTell: if the source alone does not say it.
        CogError: if a reference names nothing, or a signature has no schema.
    """
    with _ONE_AT_A_TIME:
        interpreter = Interpreter(root)
        try:
            with texts_read_by(text_reader(interpreter)):
                return _described(interpreter, root, {PREDICT: predict, TRAIN: train})
        except CogError as error:
            if any(state_of(one).is_open for one in interpreter.imports.modules.values()):
                raise CannotTell(f"an import of `*` is not known: {error.message}") from error
            raise
        except Exception as error:
            raise CannotTell(f"{type(error).__name__}: {error}") from error
        finally:
            interpreter.imports.restore()


def _described(
    interpreter: Interpreter, root: Path, references: dict[str, str | None]
) -> dict[str, Any]:
    models = {
        mode: _model(interpreter, root, reference, mode) if reference else None
        for mode, reference in references.items()
    }
    interfaces = {
        mode: None if model is None else _interface(interpreter, model)
        for mode, model in models.items()
    }
    described = document(interfaces[PREDICT], interfaces[TRAIN])
    json.dumps(described, allow_nan=False)
    return {
        "document": described,
        **{mode: interface and facts(interface) for mode, interface in interfaces.items()},
        "sources": sorted(interpreter.imports.sources),
    }


def facts(interface: Interface) -> dict[str, Any]:
    """Return what is told of an interface beside the document."""
    return {
        "is_async": interface.is_async,
        "is_streaming": interface.is_streaming,
        "takes_weights": interface.takes_weights,
        "concurrency": interface.concurrency,
    }


def _model(interpreter: Interpreter, root: Path, reference: str, mode: str) -> Model:
    file, _, name = reference.partition(":")
    if not (root / file).is_file():
        raise ModelLoadError(f"{file} not found", hint=f"Looked in {root}")
    module = interpreter.imports.load_file(file)
    known(vars(module).get(name))
    return find(module, reference, mode)


def _interface(interpreter: Interpreter, model: Model) -> Interface:
    for argument in arguments_of(model):
        default = argument.default
        values = [default, *vars(default).values()] if isinstance(default, FieldInfo) else [default]
        require_known(values, is_deep=True)
        if any(map(interpreter.effects.is_poisoned, values)):
            raise CannotTell(f"the default of `{argument.name}` may have been changed")
    refuse_slow_patterns(model)
    interface = interface_of(model)
    for owner in _classes_of(model, interface):
        if interpreter.effects.is_poisoned(owner):
            raise CannotTell(f"`{owner.__name__}` is given to code that is not known")
    return interface


def _classes_of(model: Model, interface: Interface) -> Iterator[type]:
    owner = model.target if model.is_class else type(model.target)
    yield from owner.__mro__
    waiting: list[Type] = [interface.output, *(one.type for one in interface.parameters)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ModelType) and isinstance(one.owner, type):
            yield one.owner
        elif isinstance(one, ChoiceType):
            yield from map(type, one.members)
        waiting.extend(parts(one))
