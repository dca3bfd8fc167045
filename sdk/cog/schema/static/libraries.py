"""The modules outside of the project whose names are known, and what of them may be called.

Everything else outside of the project is unknown. What may be called reads nothing but its
arguments, and gives the same answer on every machine.
"""

import builtins
import functools
import importlib
import inspect
from collections.abc import Callable, Iterable
from types import BuiltinMethodType, FunctionType, MethodDescriptorType
from typing import Any

from cog.schema.static.unknown import NOWHERE, CannotTell, Unknown

_ABC = "collections.abc"
_TYPING_FUNCTIONS = {
    "NamedTuple", "NewType", "TypedDict", "cast", "final", "no_type_check", "overload", "override",
    "runtime_checkable",
}  # fmt: skip
_PUBLIC = {"cog", "typing", _ABC}
"""All that they offer is known, but for functions that look at something."""
_EXTENSIONS = {
    "Annotated", "Any", "AsyncGenerator", "AsyncIterator", "Callable", "ClassVar", "Dict", "Final",
    "FrozenSet", "Generator", "Iterable", "Iterator", "List", "Literal", "Mapping", "NamedTuple",
    "NewType", "NotRequired", "Optional", "Protocol", "Required", "Sequence", "Set",
    "TYPE_CHECKING", "Tuple", "Type", "TypeVar", "TypedDict", "Union", "final", "override",
    "runtime_checkable",
}  # fmt: skip
_NAMES = {
    "abc": "ABC ABCMeta abstractmethod",
    "collections": "ChainMap Counter OrderedDict abc defaultdict deque namedtuple",
    "contextlib": "asynccontextmanager contextmanager",
    "copy": "copy deepcopy",
    "dataclasses": "InitVar KW_ONLY dataclass field",
    "datetime": "date datetime time timedelta",
    "decimal": "Decimal",
    "enum": "Enum Flag IntEnum IntFlag StrEnum auto unique",
    "functools": "cache cached_property lru_cache partial wraps",
    "io": "BufferedReader BytesIO IOBase RawIOBase StringIO TextIOWrapper",
    "itertools": "chain",
    "json": "dumps loads",
    "math": "ceil cos e exp fabs floor gcd inf isqrt log log10 log2 nan pi pow sin sqrt tan tau",
    "numbers": "Integral Number Real",
    "os": "PathLike path",
    "os.path": "basename dirname join normpath splitext",
    "pathlib": "Path PosixPath PurePath PurePosixPath",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits punctuation "
    "whitespace",
    "sys": "maxsize",
    "textwrap": "dedent indent",
    "types": "GenericAlias MappingProxyType NoneType SimpleNamespace UnionType",
    "uuid": "UUID",
    "cog.input": "FieldInfo Input",
    "cog.model": "BaseModel",
    "cog.decorators": "concurrent streaming",
    "cog.predictor": "BasePredictor BaseRunner",
    "cog.types": "AsyncConcatenateIterator ConcatenateIterator File Input Opaque Path Secret "
    "URLFile URLPath",
}
_NOT_CALLED = {"Any", "BytesIO", "File", "StringIO", "TextIOWrapper", "URLFile", "URLPath", "UUID"}
_NOT_OFFERED = {"ExperimentalFeatureWarning", "current_scope", "emit_metric"}
_CALLED_BUILTINS = [
    "abs", "all", "any", "bin", "bool", "callable", "chr", "complex", "dict", "divmod", "enumerate",
    "filter", "float", "format", "frozenset", "hex", "int", "isinstance", "issubclass", "iter",
    "len", "list", "map", "max", "min", "next", "object", "oct", "ord", "property", "range", "repr",
    "reversed", "round", "set", "slice", "sorted", "staticmethod", "classmethod", "str", "sum",
    "tuple", "zip",
]  # fmt: skip
MAKERS = ("Enum", "IntEnum", "NamedTuple", "NewType", "StrEnum", "TypedDict", "namedtuple")
"""When called they make a class, of the module that they are called in."""


class Library:
    """A module outside of the project, with the names that are known."""

    __slots__ = ("module_name",)

    def __init__(self, name: str) -> None:
        self.module_name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise CannotTell(f"`{name}` of the module `{self.module_name}`")
        return member(self.module_name, name)


def is_library(name: str) -> bool:
    """Tell whether something of a module is known."""
    return name in _PUBLIC or name in _NAMES or name == "typing_extensions"


def member(module: str, name: str) -> Any:
    """Return what a module has under a name, an `Unknown` where that is not known."""
    origin = f"{module}.{name}"
    if is_library(origin):
        return Library(origin)
    if name in names_of_library(module):
        return getattr(_real(module), name)
    return Unknown(f"`{origin}` is only known in the model's environment", NOWHERE, origin)


@functools.cache
def names_of_library(module: str) -> frozenset[str]:
    """Return the names that are known; an older Python lacks some."""
    if module == "typing_extensions":
        names: Iterable[str] = _EXTENSIONS
    elif module in _PUBLIC:
        names = _public(module)
    else:
        names = _NAMES.get(module, "").split()
    return frozenset(name for name in names if hasattr(_real(module), name))


def has_all_names(module: str) -> bool:
    """Tell whether `from module import *` is known."""
    return module in _PUBLIC


def _public(module: str) -> Iterable[str]:
    real = _real(module)
    for name in real.__all__:
        is_function = inspect.isfunction(getattr(real, name, None)) and module == "typing"
        if name not in _NOT_OFFERED and (not is_function or name in _TYPING_FUNCTIONS):
            yield name


def _real(module: str) -> Any:
    return importlib.import_module("typing" if module == "typing_extensions" else module)


@functools.cache
def _called() -> dict[int, Any]:
    """Return what may be called, by its identity: not all of it can be hashed."""
    callables = [getattr(builtins, name) for name in _CALLED_BUILTINS]
    for module in (*_PUBLIC, *_NAMES):
        for name in names_of_library(module):
            value = getattr(_real(module), name)
            if callable(value) and name not in _NOT_CALLED and module != _ABC:
                callables.append(value)
    return {id(value): value for value in callables}


def may_be_called(function: Any) -> bool:
    """Tell whether a function or class reads nothing but its arguments."""
    if isinstance(function, (BuiltinMethodType, MethodDescriptorType)):
        owner = getattr(function, "__self__", None) or getattr(function, "__objclass__", None)
        return id(function) in _called() or type(owner).__name__ != "module"
    if isinstance(function, functools.partial):
        return may_be_called(function.func)
    return id(function) in _called() or _makes_decorators(function)


def _makes_decorators(function: Any) -> bool:
    """Tell whether a function of Python's is what `dataclass(…)` or `wraps(…)` gave."""
    is_function = isinstance(function, FunctionType)
    return is_function and function.__module__ in {"cog.decorators", "dataclasses", "functools"}


def built_in(name: str) -> Any:
    """Return a built-in class, constant, or function that may be called.

    Raises:
        KeyError: if there is nothing of that name.
    """
    value = vars(builtins)[name]
    if isinstance(value, (type, bool, type(None))) or id(value) in _called():
        return value
    return Unknown(f"`{name}` is not called", NOWHERE, f"builtins.{name}")


CALLS_BACK: tuple[Callable[..., Any], ...] = (map, filter, sorted, min, max)
"""They call what they are given."""
