"""What the source alone does not tell."""

from typing import Any, NamedTuple, NoReturn


class Place(NamedTuple):
    """Where in the project something stands."""

    file: str = ""
    line: int = 0


NOWHERE = Place()


class CannotTell(BaseException):
    """Only the model's environment can answer.

    Not an `Exception`, so that what reads annotations does not take it for a mistake in one.
    """

    def __init__(self, what: str, place: Place = NOWHERE) -> None:
        super().__init__(f"{place.file}:{place.line}: {what}" if place.file else what)
        self.what = what
        self.file = place.file
        self.line = place.line


class GivesUp(CannotTell):
    """Nothing in the whole project can be told: it is too large, or changes itself."""


class Unknown:
    """A value that is not known: whoever looks at it learns why."""

    __slots__ = ("origin", "place", "what")

    def __init__(self, what: str, place: Place = NOWHERE, origin: str = "") -> None:
        self.what = what
        self.place = place
        self.origin = origin
        """How it was reached from an import, such as `torch.no_grad`; empty for others."""

    @property
    def reason(self) -> CannotTell:
        """What to raise when it is needed."""
        return CannotTell(self.what, self.place)

    def __getattr__(self, name: str) -> NoReturn:
        raise self.reason


def _refuse(self: Unknown, *_arguments: Any) -> NoReturn:
    raise self.reason


_REFUSED = (
    "bool", "len", "iter", "next", "contains", "getitem", "setitem", "delitem", "call", "hash",
    "eq", "ne", "lt", "le", "gt", "ge", "str", "repr", "format", "int", "float", "complex",
    "index", "bytes", "fspath", "enter", "exit", "add", "radd", "sub", "rsub", "mul", "rmul",
    "truediv", "rtruediv", "floordiv", "rfloordiv", "mod", "rmod", "pow", "rpow", "and", "rand",
    "or", "ror", "xor", "rxor", "lshift", "rlshift", "rshift", "rrshift", "neg", "pos", "invert",
    "abs", "round", "reversed", "get", "mro_entries",
)  # fmt: skip
for _name in _REFUSED:
    setattr(Unknown, f"__{_name}__", _refuse)


def is_unknown(value: Any) -> bool:
    """Tell whether a value is unknown, without looking at it."""
    return type(value) is Unknown


def known(value: Any) -> Any:
    """Return a value.

    Raises:
        CannotTell: if it is not known.
    """
    if type(value) is Unknown:
        raise value.reason
    return value
