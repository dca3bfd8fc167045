"""Values as JSON."""

import dataclasses
import ipaddress
import json
import types
import uuid
from collections import OrderedDict, deque, namedtuple
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog import BaseModel, Secret
from cog.coder import Coder
from cog.encoding import NOT_A_LEAF, to_json
from cog.errors import OutputError

Point = namedtuple("Point", "x y")


class Color(Enum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Label(str, Enum):
    CAT = "cat"


class Model(BaseModel):
    a: int
    b: Any = None


@dataclasses.dataclass
class Plain:
    x: Any


class Squares:
    """An iterator of the user's own."""

    def __init__(self) -> None:
        self.numbers = iter([1, 4])

    def __iter__(self) -> "Squares":
        return self

    def __next__(self) -> int:
        return next(self.numbers)


def encoded(value: Any) -> Any:
    return to_json(value, lambda value, at: NOT_A_LEAF)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**100, 2**100),
        ("é\u2028", "é\u2028"),
        ((1, "a"), [1, "a"]),
        ({3}, [3]),
        (frozenset({"a"}), ["a"]),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.values(), [1]),
        ((n for n in (1, None)), [1, None]),
        (Squares(), [1, 4]),
        (Point(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": (1,)}), {"a": [1]}),
        (Color.RED, "red"),
        ([Size.SMALL, Label.CAT], [1, "cat"]),
        (Plain(Plain({1})), {"x": {"x": [1]}}),
        (Model(1, Plain(None)), {"a": 1, "b": {"x": None}}),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02T00:00:00+00:00"),
        (timedelta(seconds=1.5), 1.5),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        (pydantic.TypeAdapter(pydantic.HttpUrl).validate_python("http://a.b"), "http://a.b/"),
        (Decimal("1.10"), 1.1),
        (Decimal(2**70), 2**70),
        (Decimal("1e99"), 1e99),
        (Secret("hunter2"), "**********"),
        ([0.5, 1e300], [0.5, 1e300]),
        ([1e308, 1e308], [1e308, 1e308]),
    ],
)
def test_a_value_becomes_json(value: Any, expected: Any) -> None:
    result = encoded(value)

    assert result == expected
    assert json.loads(json.dumps(result)) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a", "a"),
        (1, "1"),
        (1.5, "1.5"),
        (None, "null"),
        (True, "true"),
        (Color.RED, "red"),
    ],
)
def test_keys_become_text_as_json_writes_them(key: Any, expected: str) -> None:
    assert encoded({key: 0}) == {expected: 0}


def test_a_key_that_is_an_enumerated_number_is_that_number() -> None:
    assert encoded({Size.SMALL: 0}) == {"1": 0}


def test_other_keys_are_an_error() -> None:
    with pytest.raises(
        OutputError, match=r"keys must be str, int, float, bool or None, not tuple$"
    ):
        encoded({(1, 2): 0})


@pytest.mark.parametrize(
    "value", [b"x", bytearray(b"x"), memoryview(b"x"), object(), 1j, int, Color, Model, len]
)
def test_what_has_no_json_is_one_clear_error(value: Any) -> None:
    kind = type(value).__name__
    message = (
        f"^Failed to serialize output: TypeError: Object of type {kind} is not JSON serializable$"
    )

    for wrapped in (value, [value], {"a": value}):
        with pytest.raises(OutputError, match=message):
            encoded(wrapped)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_an_error(number: float) -> None:
    for value in (number, [0.5, number], {"a": [1, number]}):
        with pytest.raises(OutputError, match=r"^Failed to parse output JSON: -?(nan|inf) is not"):
            encoded(value)


def test_a_list_that_holds_itself_is_an_error() -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(OutputError, match="nested more than"):
        encoded(loop)


@pytest.mark.parametrize(
    ("text", "expected"), [("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "\U0001f600")]
)
def test_half_characters_do_not_break_the_wire(text: str, expected: str) -> None:
    assert encoded([text]) == [expected]
    assert encoded({text: 1}) == {expected: 1}


def test_errors_of_the_users_iterator_are_the_users() -> None:
    def pieces():
        yield 1
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        encoded(pieces())


def test_arrays_and_scalars_of_numpy_become_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    values = {"a": numpy.eye(2), "i": numpy.int64(2**60), "f": numpy.float32(0.5)}

    assert encoded(values) == {"a": [[1.0, 0.0], [0.0, 1.0]], "i": 2**60, "f": 0.5}
    assert encoded([numpy.bool_(True), numpy.str_("x"), numpy.array(3)]) == [True, "x", 3]  # noqa: FBT003
    with pytest.raises(OutputError, match="nan"):
        encoded(numpy.array([1.0, numpy.nan]))


def test_models_of_pydantic_become_objects() -> None:
    pydantic = pytest.importorskip("pydantic", minversion="2")

    class Inner(pydantic.BaseModel):
        x: int | None = None

    class Outer(pydantic.BaseModel):
        inner: list[Inner]
        color: Color

    assert encoded(Outer(inner=[Inner()], color=Color.RED)) == {
        "inner": [{"x": None}],
        "color": "red",
    }


def test_models_of_pydantic_1_become_objects() -> None:
    class Old:
        """What pydantic 1 gives its models."""

        __fields__ = ("x",)

        def dict(self) -> dict[str, Any]:
            return {"x": Color.RED}

    assert encoded(Old()) == {"x": "red"}


def test_classes_of_attrs_become_objects() -> None:
    class Attrs:
        """What attrs gives its classes."""

        __attrs_attrs__ = (types.SimpleNamespace(name="x"),)
        x = (1,)

    assert encoded(Attrs()) == {"x": [1]}


def test_a_registered_coder_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Coder, "_coders", [])

    class ComplexCoder(Coder):
        @staticmethod
        def factory(tpe: Any) -> "Coder | None":
            return ComplexCoder() if tpe is complex else None

        def encode(self, x: complex) -> dict[str, Any]:
            return {"re": x.real, "im": x.imag}

        def decode(self, x: dict[str, Any]) -> complex:
            return complex(x["re"], x["im"])

    Coder.register(ComplexCoder)
    Coder.register(ComplexCoder)

    assert encoded([1j]) == [{"re": 0.0, "im": 1.0}]
    assert Coder.lookup(complex).decode({"re": 0, "im": 1}) == 1j
    assert Coder.lookup(int) is None


def test_a_leaf_is_asked_with_its_place() -> None:
    asked = []

    def leaf(value: Any, at: tuple[str | int, ...]) -> Any:
        asked.append(at)
        return "file" if value == b"x" else NOT_A_LEAF

    assert to_json({"a": [1, (b"x",)]}, leaf) == {"a": [1, ["file"]]}
    assert asked == [(), ("a",), ("a", 1), ("a", 1, 0)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_json_stays_what_it_is(value: Any) -> None:
    assert encoded(value) == value
    assert json.loads(json.dumps(encoded(value))) == value


@given(
    st.recursive(
        st.text() | st.floats() | st.binary(max_size=3) | st.just(len),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner)
            | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_any_value_becomes_json_that_a_strict_reader_takes_or_one_error(value: Any) -> None:
    try:
        result = encoded(value)
    except OutputError:
        return
    json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
