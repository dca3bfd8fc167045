"""Where in an input files may stand, however deep.

A schema is compiled once into a tree of `_Spot` that holds only what leads to a file; a model
without file inputs has no tree at all. `format: uri` marks what is annotated Path or File, and
nothing else. Where a field takes text as well, a string that is no URL is just that.
"""

from collections.abc import Iterator
from typing import Any

from cog.files import is_url
from cog.server.errors import Refusal, invalid, problem

Place = tuple[str | int, ...]
Schema = dict[str, Any]

MAX_FILES = 10_000
"""In one input; each is a download and a file on the disk."""
NO_URL = "'{}' is not a valid URL scheme. 'data', 'http', or 'https' is supported."
TOO_DEEP = "An input is nested too deeply"
TOO_MANY = f"An input has more than {MAX_FILES} files"

_REFERENCE = "#/components/schemas/"
_INSIDE = {"format", "items", "properties", "additionalProperties"}


class FilePlaces:
    """Finds the files of inputs that fit one schema."""

    def __init__(self, schema: Schema, components: dict[str, Any]) -> None:
        self._root = _Compiler(components).spots(schema)

    def __bool__(self) -> bool:
        """Tell whether there can be files at all."""
        return bool(self._root)

    def find(self, given: dict[str, Any]) -> list[Place]:
        """Return where URLs of files stand in an input that fits the schema.

        Raises:
            Refusal: 422 if something else stands there: a path would show a client the disk.
        """
        try:
            return self._find(given)
        except RecursionError as error:
            raise invalid([problem(TOO_DEEP, "input", "__root__")]) from error

    def _find(self, given: dict[str, Any]) -> list[Place]:
        places: list[Place] = []
        problems = []
        for place, text, may_be_text in _strings(self._root, given, ()):
            if is_url(text):
                places.append(place)
            elif not may_be_text:
                scheme = text.partition(":")[0] if ":" in text else ""
                problems.append(problem(NO_URL.format(scheme), "input", field(place)))
            if len(places) + len(problems) > MAX_FILES:
                raise _too_many()
        if problems:
            raise invalid(problems)
        return places


def field(path: Any) -> str:
    """Return a place as clients are told of it."""
    return "/".join(str(it) for it in path) or "__root__"


class _Spot:
    """One of the schemas that a value may fit, as far as files are concerned."""

    __slots__ = ("is_file", "is_text", "items", "named", "others")

    def __init__(self) -> None:
        self.is_file = False
        self.is_text = False
        self.items: _Spots = ()
        self.named: dict[str, _Spots] = {}
        self.others: _Spots = ()


_Spots = tuple[_Spot, ...]


def _strings(spots: _Spots, value: Any, place: Place) -> Iterator[tuple[Place, str, bool]]:
    """Yield the strings that may be files, and whether they may be mere text."""
    if isinstance(value, str):
        if any(it.is_file for it in spots):
            yield place, value, any(it.is_text for it in spots)
        return
    for key, below, one in _parts(spots, value):
        if below:
            yield from _strings(below, one, (*place, key))


def _parts(spots: _Spots, value: Any) -> Iterator[tuple[str | int, _Spots, Any]]:
    if isinstance(value, list):
        items = _merged(it.items for it in spots)
        for index, one in enumerate(value):
            yield index, items, one
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name, _merged(it.named.get(name, it.others) for it in spots), one


def _merged(parts: Iterator[_Spots]) -> _Spots:
    """Join, each spot once: a schema that refers to itself would double them at every level."""
    return tuple(dict.fromkeys(spot for part in parts for spot in part))


class _Compiler:
    """Makes spots of schemas; references may go round in a circle."""

    def __init__(self, components: dict[str, Any]) -> None:
        self._components = components
        self._made: dict[int, _Spot] = {}

    def spots(self, schema: Any) -> _Spots:
        """Return nothing where no file can be reached."""
        variants = list(self._variants(schema, frozenset()))
        return tuple(map(self._spot, variants)) if self._reach(variants, set()) else ()

    def _spot(self, schema: Schema) -> _Spot:
        if (known := self._made.get(id(schema))) is not None:
            return known
        spot = self._made[id(schema)] = _Spot()
        spot.is_file = schema.get("format") == "uri"
        spot.is_text = not spot.is_file and "string" in schema.get("type", ("string",))
        spot.items = self.spots(schema.get("items"))
        properties = schema.get("properties", {})
        spot.named = {name: self.spots(it) for name, it in properties.items()}
        spot.others = self.spots(schema.get("additionalProperties"))
        return spot

    def _variants(self, schema: Any, seen: frozenset[int]) -> Iterator[Schema]:
        """Yield the schemas behind references and unions, without those of what is inside."""
        if not isinstance(schema, dict) or id(schema) in seen:
            return
        seen |= {id(schema)}
        behind = [it for word in ("anyOf", "oneOf", "allOf") for it in schema.get(word, ())]
        if isinstance(reference := schema.get("$ref"), str):
            behind.append(self._components.get(reference.removeprefix(_REFERENCE)))
        for one in behind:
            yield from self._variants(one, seen)
        if not behind or _INSIDE & schema.keys():
            yield schema

    def _reach(self, variants: list[Schema], seen: set[int]) -> bool:
        """Tell whether a file can stand somewhere inside."""
        for schema in variants:
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            inside = [*schema.get("properties", {}).values()]
            inside += [schema.get("items"), schema.get("additionalProperties")]
            if schema.get("format") == "uri" or any(
                self._reach(list(self._variants(it, frozenset())), seen) for it in inside
            ):
                return True
        return False


def _too_many() -> Refusal:
    return invalid([problem(TOO_MANY, "input", "__root__")])
