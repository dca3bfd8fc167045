"""What JSON looks like, and what Python gets: the types of inputs and outputs.

A type is one of the small classes below, made by `annotations`. `properties` writes them as JSON
schema and `coercion` turns values of them into Python's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union


class Value:
    """A frozen value, equal to one of its own class with equal fields.

    What `@dataclass` would write into each class for that costs every worker 10 ms at its start.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self):
            raise AttributeError(f"cannot assign to field '{name}'")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


@dataclass(eq=False, repr=False)
class Scalar(Value):
    """A JSON string, integer, number or boolean that stays what it is."""

    json_type: str
    python: type


STRING = Scalar("string", str)
INTEGER = Scalar("integer", int)
NUMBER = Scalar("number", float)
BOOLEAN = Scalar("boolean", bool)


@dataclass(eq=False, repr=False)
class Anything(Value):
    """Any JSON, handed over as it is."""

    is_documented: bool = True
    """Cog documents `Any` as an object. A missing or bare annotation promises nothing at all."""


@dataclass(eq=False, repr=False)
class FileType(Value):
    """A file: a URL in JSON, and in Python a `cog.Path` or an open binary file."""

    is_open: bool = False


@dataclass(eq=False, repr=False)
class SecretType(Value):
    """A string that is wrapped so that it is not printed by accident."""

    wrap: Callable[[str], Any]


@dataclass(eq=False, repr=False)
class MomentType(Value):
    """A date, a time or both; ISO 8601 text in JSON. In outputs only."""

    json_format: str


@dataclass(eq=False, repr=False)
class ChoiceType(Value):
    """One of some values: `choices`, a `Literal` or an `Enum`."""

    values: tuple[Any, ...]
    """As in JSON."""
    members: tuple[Any, ...]
    """What Python gets, in the order of `values`."""


@dataclass(eq=False, repr=False)
class ListType(Value):
    """A JSON array, and in Python a list or another collection."""

    items: "Type"
    container: Callable[[list[Any]], Any] = list


@dataclass(eq=False, repr=False)
class TupleType(Value):
    """A JSON array of fixed length, each place with a type of its own."""

    items: "tuple[Type, ...]"


@dataclass(eq=False, repr=False)
class DictType(Value):
    """A JSON object with free keys."""

    values: "Type"


@dataclass(eq=False, repr=False)
class Field(Value):
    """One field of a `ModelType`."""

    name: str
    type: "Type"
    is_required: bool
    """A client must give it."""
    has_default: bool = True
    """Python makes up what a client leaves out; else None is given."""


@dataclass(eq=False, repr=False)
class ModelType(Value):
    """A JSON object with known fields: a `BaseModel`, a dataclass or a `TypedDict`."""

    name: str
    fields: tuple[Field, ...]
    build: Callable[[dict[str, Any]], Any]
    """Makes the Python value; raises ValueError or TypeError where the fields do not suit it."""
    owner: type
    """The class itself."""
    is_loose: bool = False
    """A `TypedDict`: as an input a dict that is not looked into, but for the files in it."""
    checks_itself: bool = False
    """A pydantic model: it converts its own fields, but for the files in them."""


@dataclass(eq=False, repr=False)
class InnerModel(Value):
    """A model that stands somewhere inside itself, in an input."""

    name: str
    whole: Callable[[], ModelType]
    """Returns the model, once its fields have been read."""


@dataclass(eq=False, repr=False)
class UnionType(Value):
    """One of several types, none of which is None."""

    members: "tuple[Type, ...]"


@dataclass(eq=False, repr=False)
class NullableType(Value):
    """A type or None."""

    type: "Type"


@dataclass(eq=False, repr=False)
class StreamType(Value):
    """An output that comes item by item."""

    items: "Type"
    is_concatenated: bool = False
    """The items are pieces of one text."""


Type = Union[  # noqa: UP007 - the members refer to it by name
    Scalar,
    Anything,
    FileType,
    SecretType,
    MomentType,
    ChoiceType,
    ListType,
    TupleType,
    DictType,
    ModelType,
    InnerModel,
    UnionType,
    NullableType,
    StreamType,
]


def without_none(checked: Type) -> Type:
    """Return what a type is when it is not None."""
    return checked.type if isinstance(checked, NullableType) else checked


def is_plain(checked: Type, within: tuple[type, ...] = ()) -> bool:
    """Tell whether JSON of this type is already what Python should get.

    Args:
        checked: The type.
        within: Models whose other fields are being looked at, and decide.
    """
    if isinstance(checked, InnerModel):
        whole = checked.whole()
        return whole.owner in within or is_plain(whole, (*within, whole.owner))
    if isinstance(checked, (FileType, SecretType, TupleType)):
        return False
    if isinstance(checked, ChoiceType):
        return checked.values == checked.members
    if isinstance(checked, ListType) and checked.container is not list:
        return False
    is_looked_into = isinstance(checked, ModelType) and not checked.is_loose
    return not is_looked_into and all(is_plain(part, within) for part in parts(checked))


def parts(checked: Type) -> tuple[Type, ...]:
    """Return the types that a type is made of, one level down; none for a simple one."""
    read_parts = _PARTS.get(type(checked))
    return read_parts(checked) if read_parts else ()


def written(shown: Type) -> str:
    """Return a type as its author may have written it, for messages."""
    inside = ", ".join(map(written, parts(shown)))
    if isinstance(shown, UnionType):
        return inside.replace(", ", " | ")
    word = _word(shown)
    return f"{word}[{inside}]" if inside and not isinstance(shown, ModelType) else word


def _word(shown: Type) -> str:
    if isinstance(shown, Scalar):
        return shown.python.__name__
    if isinstance(shown, ListType):
        return str(getattr(shown.container, "__name__", "list"))
    if isinstance(shown, (ModelType, InnerModel)):
        return shown.name
    return "File" if shown == FileType(is_open=True) else _WORDS[type(shown)]


_PARTS: dict[type, Callable[[Any], tuple[Type, ...]]] = {
    ListType: lambda whole: (whole.items,),
    StreamType: lambda whole: (whole.items,),
    DictType: lambda whole: (whole.values,),
    NullableType: lambda whole: (whole.type,),
    TupleType: lambda whole: whole.items,
    UnionType: lambda whole: whole.members,
    ModelType: lambda whole: tuple(field.type for field in whole.fields),
}

_WORDS: dict[type, str] = {
    Anything: "Any",
    FileType: "Path",
    SecretType: "Secret",
    MomentType: "datetime",
    ChoiceType: "choices",
    TupleType: "tuple",
    DictType: "dict",
    NullableType: "Optional",
    StreamType: "Iterator",
}
