"""The signature of a function as its author wrote it.

Decorators, mangled names and annotations that are strings stand between the source and what
Python reports. This module sees through them; what an annotation means is for `annotations`.
"""

import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from cog.errors import SchemaError

MISSING = inspect.Parameter.empty

Evaluate = Callable[[str, dict[str, Any]], Any]
"""Returns what an expression means, given the names that it may use."""

_evaluate: ContextVar[Evaluate] = ContextVar("_evaluate", default=eval)


@contextmanager
def texts_read_by(evaluate: Evaluate) -> Generator[None]:
    """Let annotations that are text be read by something else than Python itself."""
    before = _evaluate.set(evaluate)
    try:
        yield
    finally:
        _evaluate.reset(before)


class Argument(NamedTuple):
    """One parameter of a function."""

    name: str
    """As in the source."""
    keyword: str
    """As to be called with: `__x` in a class is `_Class__x` to Python."""
    annotation: Any
    default: Any


class Names:
    """What names in an annotation mean: the module's own, then those that everyone knows.

    An annotation that is a string may name what was imported for type checkers only, so the
    names of `typing`, `cog` and `pathlib` are known without an import.
    """

    def __init__(self, *scopes: Mapping[str, Any]) -> None:
        self._scopes = scopes
        self._names: dict[str, Any] | None = None

    def resolve(self, annotation: Any) -> Any:
        """Return what an annotation stands for, if it is text, else the annotation.

        Raises:
            SchemaError: if the text is not an expression of known names.
        """
        text = getattr(annotation, "__forward_arg__", annotation)
        if not isinstance(text, str):
            return annotation
        if self._names is None:
            self._names = {**_well_known_names()}
            for scope in reversed(self._scopes):
                self._names.update(scope)
        try:
            return _evaluate.get()(text, self._names)
        except Exception as error:
            raise SchemaError(
                f"cannot resolve type '{text}' - it is not a primitive type",
                hint=f"{type(error).__name__}: {error}",
            ) from error


class Signature(NamedTuple):
    """A function's parameters, without `self`, and what its annotations refer to."""

    arguments: tuple[Argument, ...]
    returns: Any
    names: Names


def signature_of(function: Any, *, is_method: bool, name: str) -> Signature:
    """Return the signature of a function, or of a class's attribute when `is_method`.

    Raises:
        SchemaError: if a parameter cannot be given by name.
    """
    is_bound = isinstance(function, staticmethod) or not is_method
    source = _behind_wrapper(getattr(function, "__func__", function), name)
    signature = _inspected(source)
    parameters = list(signature.parameters.values())
    if not is_bound and parameters and _is_self(parameters[0]):
        del parameters[0]
    plain = inspect.unwrap(source)
    owner = _owner_name(plain)
    return Signature(
        tuple(_arguments(parameters, owner, name)),
        signature.return_annotation,
        names_of(plain),
    )


def names_of(function: Any) -> Names:
    """Return the names that a function's annotations may use."""
    function = getattr(function, "func", function)
    if not hasattr(function, "__globals__"):
        function = vars(type(function)).get("__call__", function)
    code = getattr(function, "__code__", None)
    closure = getattr(function, "__closure__", None) or ()
    cells = zip(code.co_freevars if code else (), closure, strict=False)
    enclosed = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
    return Names(enclosed, getattr(function, "__globals__", {}))


def annotations_of(owner: type) -> dict[str, Any]:
    """Return a class's own annotations; what cannot be evaluated stays as text."""
    return dict(inspect.get_annotations(owner, **_lenient("format")))


def names_in(owner: type) -> Names:
    """Return the names that a class's annotations may use."""
    module = sys.modules.get(owner.__module__)
    return Names({owner.__name__: owner}, vars(owner), vars(module) if module else {})


def _inspected(function: Any) -> inspect.Signature:
    try:
        return inspect.signature(function, **_lenient("annotation_format"))
    except (ValueError, TypeError) as error:
        raise SchemaError(f"The signature of {function!r} is unknown") from error


def _lenient(option: str) -> dict[str, Any]:
    """Return the argument that keeps names which mean nothing from raising: Python 3.14 and up."""
    if sys.version_info < (3, 14):
        return {}
    return {option: importlib.import_module("annotationlib").Format.FORWARDREF}


def _behind_wrapper(function: Any, name: str) -> Any:
    """Return the function of that name that a decorator without `functools.wraps` has hidden."""
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return function
    takes_anything = bool(
        code.co_flags & inspect.CO_VARARGS and code.co_flags & inspect.CO_VARKEYWORDS
    )
    if not takes_anything or code.co_name == name:
        return function
    for cell in function.__closure__ or ():
        hidden = cell.cell_contents if _is_filled(cell) else None
        if getattr(hidden, "__name__", None) == name and hasattr(hidden, "__code__"):
            return hidden
    return function


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _is_self(parameter: inspect.Parameter) -> bool:
    """Whether the first parameter is the instance; a rewritten signature may have left it out."""
    if parameter.name in {"self", "cls"}:
        return True
    return (
        parameter.annotation is MISSING
        and parameter.default is MISSING
        and parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    )


def _owner_name(function: Any) -> str:
    """Return the name of the class whose body the function was written in."""
    return getattr(function, "__qualname__", "").rpartition(".")[0].rpartition(".")[2]


def _arguments(
    parameters: list[inspect.Parameter], owner: str, function_name: str
) -> Iterator[Argument]:
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        name = _unmangled(parameter.name, owner)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise SchemaError(f"parameter '{name}' on {function_name} is positional-only")
        yield Argument(name, parameter.name, parameter.annotation, parameter.default)


def _unmangled(name: str, owner: str) -> str:
    prefix = f"_{owner.lstrip('_')}__"
    is_mangled = len(prefix) > len("___") and name.startswith(prefix)
    return name[len(prefix) - 2 :] if is_mangled else name


def _well_known_names() -> dict[str, Any]:
    names = {name: getattr(typing, name) for name in typing.__all__}
    pathlib, cog = importlib.import_module("pathlib"), importlib.import_module("cog")
    sdk = {name: getattr(cog, name) for name in getattr(cog, "__all__", ())}
    return {**names, "Path": pathlib.Path, **sdk, "cog": cog, "pathlib": pathlib, "typing": typing}
