"""`BaseModel`, as a dataclass and as what pydantic's consumers call."""

import dataclasses
import typing
from datetime import datetime, timezone
from enum import Enum
from typing import Annotated, Any, ClassVar, List, Optional, Union  # noqa: UP035 - as models write

import pytest

from cog import BaseModel, Path


class Box(BaseModel):
    left: int
    label: str = "thing"


class Result(BaseModel):
    text: str
    score: Optional[float]  # noqa: UP045
    tags: List[str] = []  # noqa: UP006, RUF012
    boxes: list[Box]
    json: str | None


class Extended(Result):
    extra: int
    dict: Union[int, None] = None  # noqa: UP007


def required(model: type[BaseModel]) -> list[str]:
    return [
        field.name
        for field in dataclasses.fields(model)
        if field.default is field.default_factory is dataclasses.MISSING
    ]


def test_a_model_is_a_dataclass() -> None:
    assert dataclasses.is_dataclass(Box)
    assert Box(1) == Box(left=1, label="thing") != Box(2)
    assert repr(Box(1, "x")) == "Box(left=1, label='x')"


def test_optional_fields_may_be_omitted() -> None:
    result = Result(text="a", boxes=[])

    assert result.score is None
    assert result.json is None


def test_a_list_as_default_is_not_shared() -> None:
    one, other = Result(text="a", boxes=[]), Result(text="b", boxes=[])

    one.tags.append("x")

    assert other.tags == []


def test_fields_keep_their_order_whatever_their_defaults() -> None:
    assert Result("a", 0.5, ["t"], [Box(1)], "j") == Result(
        text="a", score=0.5, tags=["t"], boxes=[Box(1)], json="j"
    )


@pytest.mark.parametrize(
    ("model", "given", "missing"),
    [
        (Result, {"text": "a"}, "'boxes'"),
        (Result, {"boxes": []}, "'text'"),
        (Extended, {"text": "a", "boxes": []}, "'extra'"),
        (Extended, {"text": "a", "extra": 1}, "'boxes'"),
    ],
)
def test_a_required_field_is_required_wherever_it_stands(
    model: type, given: dict[str, Any], missing: str
) -> None:
    with pytest.raises(TypeError, match=rf"missing 1 required.*argument: {missing}"):
        model(**given)


def test_readers_of_the_fields_see_what_is_required() -> None:
    assert required(Result) == ["text", "boxes"]
    assert required(Extended) == ["text", "boxes", "extra"]


def test_a_field_may_hide_a_method() -> None:
    class Hiding(BaseModel):
        json: str

    assert Hiding("j").json == "j"
    with pytest.raises(TypeError, match="'json'"):
        Hiding()


def test_fields_of_a_parent_come_first() -> None:
    assert [field.name for field in dataclasses.fields(Extended)] == [
        "text",
        "score",
        "tags",
        "boxes",
        "json",
        "extra",
        "dict",
    ]


@pytest.mark.parametrize(
    "annotation",
    [
        Optional[int],  # noqa: UP045
        int | None,
        Annotated[int | None, "x"],
        None | str | int,
        "Optional[int]",
        "typing.Optional[List[int]]",
        "int | None",
        "dict[str, int | str] | None",
        "Union[int, None, str]",
        "t.Union[List[Dict[str, int]], None]",
    ],
)
def test_what_may_be_none_may_be_omitted(annotation: Any) -> None:
    model = type("Model", (BaseModel,), {"__annotations__": {"x": annotation}})

    assert model().x is None


@pytest.mark.parametrize(
    "annotation", [int, Any, "str", "list[int | None]", "Dict[str, Optional[int]]", list[int]]
)
def test_what_may_not_be_none_is_required(annotation: Any) -> None:
    model = type("Model", (BaseModel,), {"__annotations__": {"x": annotation}})

    with pytest.raises(TypeError, match="'x'"):
        model()


def test_class_variables_and_fields_of_dataclasses_stay_what_they_are() -> None:
    class Model(BaseModel):
        kind: ClassVar[str] = "k"
        late: "typing.ClassVar[int]" = 1
        x: int = 1
        _: dataclasses.KW_ONLY
        y: list[int] = dataclasses.field(default_factory=lambda: [1])

    assert [field.name for field in dataclasses.fields(Model)] == ["x", "y"]
    assert Model(2, y=[]).y == []
    assert Model.kind == "k"


def test_a_redeclared_field_keeps_the_parents_default() -> None:
    class Narrow(Box):
        label: str

    assert Narrow(1).label == "thing"


def test_a_class_may_bring_its_own_init() -> None:
    class Own(BaseModel, init=False):
        x: int

        def __init__(self) -> None:
            self.x = 3

    assert Own().dict() == {"x": 3}


def test_a_class_may_stay_no_dataclass() -> None:
    class Plain(BaseModel, auto_dataclass=False):
        x: int = 1

    assert not dataclasses.is_dataclass(Plain)
    assert Plain.x == 1


def test_a_dataclass_has_no_plain_subclass() -> None:
    with pytest.raises(ValueError, match=r'^Primary base class of "Broken" \("Box"\) has'):

        class Broken(Box, auto_dataclass=False): ...


def test_a_field_of_pydantic_gives_its_default() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(BaseModel):
        a: int = pydantic.Field(description="required")
        b: int = pydantic.Field(2, ge=1)
        c: list[int] = pydantic.Field(default_factory=list)
        d: Optional[int] = pydantic.Field(...)  # noqa: UP045

    assert Model(1) == Model(a=1, b=2, c=[], d=None)
    assert required(Model) == ["a"]


def test_a_model_becomes_a_dict_in_both_spellings() -> None:
    result = Result(text="a", boxes=[Box(1)], tags=["t"])

    assert result.dict() == result.model_dump()
    assert result.dict() == {
        "text": "a",
        "score": None,
        "tags": ["t"],
        "boxes": [{"left": 1, "label": "thing"}],
        "json": None,
    }


def test_a_dict_holds_the_fields_that_are_asked_for() -> None:
    result = Result(text="a", boxes=[])

    assert result.dict(include={"text", "score"}) == {"text": "a", "score": None}
    assert result.dict(exclude={"boxes", "tags"}, exclude_none=True) == {"text": "a"}


def test_a_dict_keeps_values_and_json_does_not() -> None:
    class Color(Enum):
        RED = "red"

    class Model(BaseModel):
        path: Path
        color: Color
        at: datetime
        more: dict[str, tuple[Box, ...]]

    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    model = Model(Path("/a"), Color.RED, at, {"k": (Box(1),)})

    assert model.dict() == {
        "path": Path("/a"),
        "color": Color.RED,
        "at": at,
        "more": {"k": ({"left": 1, "label": "thing"},)},
    }
    assert model.model_dump(mode="json") == {
        "path": "/a",
        "color": "red",
        "at": "2026-01-02T00:00:00+00:00",
        "more": {"k": [{"left": 1, "label": "thing"}]},
    }


def test_json_is_written_as_each_pydantic_wrote_it() -> None:
    assert Box(1, "é").json() == '{"left": 1, "label": "\\u00e9"}'
    assert Box(1, "é").model_dump_json() == '{"left":1,"label":"é"}'
    assert Box(1).json(indent=1, exclude={"label"}) == '{\n "left": 1\n}'
    assert Box(1).model_dump_json(indent=1, include={"left"}) == '{\n "left": 1\n}'


def test_a_copy_may_differ() -> None:
    assert Box(1).copy(update={"left": 2}) == Box(2)
    assert Box(1).model_copy() == Box(1)
