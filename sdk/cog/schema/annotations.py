"""What an annotation means: from Python's types to ours.

Everything is decided by what an annotation is, not by how it was imported or spelled, so aliases,
`typing`'s old names and the new ones, and text all read the same.
"""

import collections
import collections.abc as abstract
import types
import typing
from collections.abc import Callable
from typing import Any

from cog.errors import SchemaError
from cog.schema import records
from cog.schema.signatures import MISSING, Names
from cog.schema.simple_types import is_hashable, literal_type, simple_type
from cog.schema.value_types import (
    STRING,
    Anything,
    DictType,
    InnerModel,
    ListType,
    ModelType,
    NullableType,
    StreamType,
    TupleType,
    Type,
    UnionType,
    without_none,
)
from cog.types import AsyncConcatenateIterator, ConcatenateIterator, Opaque

_UNIONS = (typing.Union, types.UnionType)
_LISTS: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
    abstract.Sequence: list,
    abstract.MutableSequence: list,
    abstract.Collection: list,
    abstract.Iterable: list,
    abstract.Set: set,
    abstract.MutableSet: set,
}
_DICTS = (
    dict,
    collections.OrderedDict,
    collections.defaultdict,
    abstract.Mapping,
    abstract.MutableMapping,
)
_STREAMS = (
    abstract.Iterator,
    abstract.Generator,
    abstract.AsyncIterator,
    abstract.AsyncIterable,
    abstract.AsyncGenerator,
)
_CONCATENATED = (ConcatenateIterator, AsyncConcatenateIterator)
_MARKERS = ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar")
"""Say something about a field, not about its type."""


class Reader:
    """Reads the annotations of one signature."""

    def __init__(self, names: Names, *, is_output: bool = False) -> None:
        self._names = names
        self._is_output = is_output
        self._open_models: dict[type, list[ModelType]] = {}
        """Models that are being read, each with room for what it turns out to be."""

    def read(self, annotation: Any) -> Type:
        """Return the type that an annotation stands for.

        Raises:
            SchemaError: if no JSON can stand for it.
        """
        if annotation is MISSING:
            return Anything(is_documented=False)
        annotation = self._names.resolve(annotation)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if not arguments:
            return self._bare(origin or annotation)
        if origin in _UNIONS:
            return self._union(arguments)
        if origin is typing.Annotated:
            base = arguments[0]
            return self._opaque(base) if _is_opaque(annotation) else self.read(base)
        return self._generic(annotation, origin, arguments)

    def read_output(self, annotation: Any, *, is_generator: bool) -> Type:
        """Return the type of an output, which alone may come item by item."""
        if annotation is MISSING:
            bare = Anything(is_documented=False)
            return StreamType(bare) if is_generator else bare
        annotation = self._bared(annotation)
        origin = typing.get_origin(annotation) or annotation
        items = typing.get_args(annotation)[:1]
        if origin in _CONCATENATED:
            return self._concatenated(origin.__name__, items)
        if origin in _STREAMS or (is_generator and origin is abstract.Iterable):
            return StreamType(self.read(items[0]) if items else Anything())
        return self.read(annotation)

    def _bared(self, annotation: Any) -> Any:
        """Return an annotation without text, aliases and marks of no meaning around it."""
        annotation = self._names.resolve(annotation)
        if typing.get_origin(annotation) is typing.Annotated and not _is_opaque(annotation):
            return self._bared(annotation.__origin__)
        alias = _alias(annotation)
        return annotation if alias is None else self._bared(alias)

    def _concatenated(self, name: str, items: tuple[Any, ...]) -> Type:
        element = self._names.resolve(items[0]) if items else str
        if element is not str:
            raise SchemaError(f"{name} element type must be str, got {type_name(element)}")
        return StreamType(STRING, is_concatenated=True)

    def _opaque(self, base: Any) -> Type:
        """Return an object, a list of them or None: the shape alone of what is not looked into."""
        base = self._names.resolve(base)
        members = typing.get_args(base) if typing.get_origin(base) in _UNIONS else (base,)
        present = [member for member in members if member is not type(None)]
        origins = [typing.get_origin(member) or member for member in present]
        is_list = bool(origins) and all(is_hashable(one) and one in _LISTS for one in origins)
        opaque: Type = ListType(Anything()) if is_list else Anything()
        return NullableType(opaque) if len(present) < len(members) else opaque

    def _union(self, arguments: tuple[Any, ...]) -> Type:
        read = [self.read(argument) for argument in arguments if argument is not type(None)]
        is_nullable = len(read) < len(arguments)
        members: list[Type] = []
        for member in read:
            is_nullable = is_nullable or isinstance(member, NullableType)
            inner = without_none(member)
            flat = inner.members if isinstance(inner, UnionType) else (inner,)
            members += [one for one in flat if one not in members]
        anything = next((member for member in members if isinstance(member, Anything)), None)
        union = anything or (members[0] if len(members) == 1 else UnionType(tuple(members)))
        return NullableType(union) if is_nullable else union

    def _generic(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Type:
        if origin is typing.Literal:
            return literal_type(arguments)
        if origin in _LISTS:
            return self._list(origin, arguments)
        if origin in _DICTS:
            return DictType(self.read(arguments[-1]))
        if getattr(origin, "_name", None) in _MARKERS:
            return self.read(arguments[0])
        return self._class(annotation, origin)

    def _list(self, origin: Any, arguments: tuple[Any, ...]) -> Type:
        if origin is tuple and arguments[1:] != (Ellipsis,):
            return TupleType(tuple(self.read(item) for item in arguments))
        return ListType(self.read(arguments[0]), _LISTS[origin])

    def _bare(self, annotation: Any) -> Type:
        """Read what has no brackets."""
        alias = _alias(annotation)
        if alias is not None:
            return self.read(alias)
        if is_hashable(annotation) and annotation in _LISTS:
            return ListType(Anything(is_documented=self._is_output), _LISTS[annotation])
        if is_hashable(annotation) and annotation in _DICTS:
            return DictType(Anything())
        return self._class(annotation, annotation)

    def _class(self, annotation: Any, origin: Any) -> Type:
        """Read a class; one with brackets is a generic model, or a file such as `IO[bytes]`."""
        simple = simple_type(origin, is_output=self._is_output)
        if simple is not None:
            return simple
        model = next((one for one in (annotation, origin) if records.is_record(one)), None)
        if model is None:
            raise self._unsupported(type_name(annotation))
        return self._record(model)

    def _record(self, annotation: Any) -> Type:
        if annotation in self._open_models:
            return self._inner(type_name(annotation), self._open_models[annotation])
        found: list[ModelType] = []
        self._open_models[annotation] = found
        try:
            model = ModelType(
                type_name(annotation),
                tuple(records.fields(annotation, self._reads_fields_of(annotation))),
                records.builder(annotation),
                owner=annotation,
                is_loose=records.is_typed_dict(annotation),
                checks_itself=records.checks_itself(annotation),
            )
        finally:
            del self._open_models[annotation]
        found.append(model)
        return model

    def _inner(self, name: str, found: list[ModelType]) -> Type:
        """Return a model inside itself: as an output it is any object, as Cog has it."""
        return Anything() if self._is_output else InnerModel(name, lambda: found[0])

    def _reads_fields_of(self, owner: type) -> records.Within:
        """Let pydantic make what it knows of JSON, such as dates, also where we do not."""
        if self._is_output or not records.checks_itself(owner):
            return self._within

        def within(names: Names, annotation: Any) -> Type:
            try:
                return self._within(names, annotation)
            except SchemaError:
                return Anything(is_documented=False)

        return within

    def _within(self, names: Names, annotation: Any) -> Type:
        """Read a field's annotation with the names of the class that it stands in."""
        outer, self._names = self._names, names
        try:
            return self.read(annotation)
        finally:
            self._names = outer

    def _unsupported(self, name: str) -> SchemaError:
        if not self._is_output:
            return SchemaError(f"unsupported Cog type {name}")
        return SchemaError(
            f"cannot resolve type '{name}' - it is not a primitive type, "
            "BaseModel, TypedDict or dataclass",
            hint="Annotate the output with `Any` to return what has no schema",
        )


def _is_opaque(annotation: Any) -> bool:
    return any(mark is Opaque for mark in annotation.__metadata__)


def _alias(annotation: Any) -> Any:
    """Return what an alias of Python 3.12 or a `NewType` stands for; None for anything else."""
    if isinstance(annotation, type):
        return None
    return getattr(annotation, "__value__", getattr(annotation, "__supertype__", None))


def type_name(annotation: Any) -> str:
    """Return how a type is written, for messages."""
    if typing.get_origin(annotation) is typing.Annotated:
        return type_name(annotation.__origin__)
    if typing.get_origin(annotation) is not None:
        return str(annotation).replace("typing.", "")
    return getattr(annotation, "__name__", None) or str(annotation)
