"""A reference such as `predict.py:Predictor`, imported and looked at.

1. The project's root, the working directory, comes first on `sys.path`.
2. The file is imported by its path, so its name need not be an identifier.
3. The class or function is found, and in a class the method that answers predictions.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from cog.errors import ModelLoadError, PredictorNotSet

PREDICT, TRAIN = "predict", "train"

_DEFAULT_NAMES = {
    PREDICT: ("Runner", "Predictor", "run", "predict"),
    TRAIN: ("train", "Trainer", "Runner", "Predictor"),
}
"""What a reference without a name may mean, in this order."""

_METHODS = {PREDICT: ("run", "predict"), TRAIN: ("train",)}


class Model(NamedTuple):
    """The user's class or function, imported but not set up."""

    target: Any
    """The class, the function, or an object that was made at import."""
    method_name: str
    function: Any
    """What to inspect: as found in the class, so a method still has its `self`."""
    is_class: bool
    """The target must be instantiated, and may have `setup` and `healthcheck`."""
    mode: str

    def instantiate(self) -> Any:
        """Return the object to set up: an instance of the class, or the target itself."""
        return self.target() if self.is_class else self.target

    def method(self, instance: Any) -> Callable[..., Any]:
        """Return what to call for a prediction, given what `instantiate` returned."""
        method = getattr(instance, self.method_name, None)
        return instance if self.function is self.target or method is None else method


def load(reference: str, mode: str = PREDICT) -> Model:
    """Import the file of a reference and find what it names.

    What the user's own code raises while it is imported comes out as it is.

    Raises:
        PredictorNotSet: if the reference is empty.
        ModelLoadError: if there is no such file or name, or nothing in it can be called.
    """
    if not reference:
        raise PredictorNotSet(
            "no predict or train reference found in cog.yaml",
            hint='Name the class or function there, such as `predict: "predict.py:Predictor"`',
        )
    return find(import_file(reference.partition(":")[0]), reference, mode)


def find(module: ModuleType, reference: str, mode: str = PREDICT) -> Model:
    """Return what a reference names in the module of its file.

    Raises:
        ModelLoadError: if there is no such name, or nothing in it can be called.
    """
    file, _, name = reference.partition(":")
    if name:
        return model_of(_named(module, name, file), mode)
    for candidate in _DEFAULT_NAMES[mode]:
        target = vars(module).get(candidate)
        if target is not None and (not isinstance(target, type) or _method_of(target, mode)):
            return model_of(target, mode)
    raise ModelLoadError(
        f"No {' or '.join(_DEFAULT_NAMES[mode])} in {file}",
        hint=f"Name the class or function in cog.yaml, such as `{file}:MyPredictor`",
    )


def import_file(file: str) -> ModuleType:
    """Import a project's file by its path, once; its stem is its name in `sys.modules`.

    Raises:
        ModelLoadError: if there is no such file.
    """
    root = Path.cwd()
    path = root / file
    if not path.is_file():
        raise ModelLoadError(f"{file} not found", hint=f"Looked in {root}")
    if str(root) not in sys.path[:1]:
        sys.path.insert(0, str(root))
    known = sys.modules.get(path.stem)
    if known is not None and _is_from(known, path):
        return known
    return _execute(path, path.stem if known is None else f"cog_model_{path.stem}")


def model_of(target: Any, mode: str = PREDICT) -> Model:
    """Return a class or function as a model.

    Raises:
        ModelLoadError: if nothing in it can be called for a prediction.
    """
    if isinstance(target, type):
        found = _method_of(target, mode)
        if found is None:
            raise ModelLoadError(f"{' or '.join(_METHODS[mode])} method not found: {_name(target)}")
        return Model(target, found[0], found[1], is_class=True, mode=mode)
    found = None if _is_function(target) else _method_of(type(target), mode)
    if found is not None:
        return Model(target, found[0], found[1], is_class=False, mode=mode)
    if not callable(target):
        raise ModelLoadError(f"Neither a class nor a function: {target!r}")
    return Model(target, _name(target), target, is_class=False, mode=mode)


def _is_from(module: ModuleType, path: Path) -> bool:
    origin = getattr(module, "__file__", None)
    return origin is not None and Path(origin).exists() and path.samefile(origin)


def _execute(path: Path, name: str) -> ModuleType:
    """Run the file as a module.

    A module of the same name, such as the standard library's `code` beside the user's
    `code.py`, keeps its place: others may still import it.
    """
    spec = importlib.util.spec_from_loader(name, SourceFileLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules.get(name, module)


def _named(module: ModuleType, name: str, file: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        classes = [
            found.__name__
            for found in vars(module).values()
            if isinstance(found, type) and found.__module__ == module.__name__
        ]
        others = f"; found: {', '.join(classes)}" if classes else ""
        raise ModelLoadError(f'class "{name}" not found in {file}{others}') from None


def _is_function(target: Any) -> bool:
    return hasattr(target, "__code__") or hasattr(target, "__wrapped__")


def _method_of(owner: type, mode: str) -> tuple[str, Any] | None:
    """Return the name and the raw attribute of the method that answers predictions.

    The class nearest in the inheritance decides, so a mixin's `run` does not hide a `predict`.
    """
    for ancestor in _user_classes(owner):
        names = [name for name in _METHODS[mode] if name in vars(ancestor)]
        if len(names) > 1:
            raise ModelLoadError(f"{_name(owner)} must define either run() or predict(), not both")
        if names:
            return names[0], vars(ancestor)[names[0]]
    return None


def _user_classes(owner: type) -> Iterator[type]:
    """Yield the class and its ancestors, without the SDK's own base classes."""
    for ancestor in owner.__mro__:
        if ancestor is not object and ancestor.__module__.partition(".")[0] != "cog":
            yield ancestor


def _name(target: Any) -> str:
    return str(getattr(target, "__name__", type(target).__name__))
