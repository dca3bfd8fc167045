"""Models of all kinds, as outputs and as inputs."""

import datetime

import pytest

from cog import Path
from cog.errors import InputError, SchemaError
from cog.schema.coercion import arguments

KINDS = {
    "cog": "class Out(BaseModel):",
    "pydantic 2": "class Out(pydantic.BaseModel):",
    "pydantic 1": "class Out(v1.BaseModel):",
    "dataclass": "@dataclasses.dataclass\nclass Out:",
}
TEXT = {"title": "Text", "type": "string"}


def source(kind, *fields):
    return "\n    ".join([KINDS[kind], *fields])


@pytest.fixture
def build(written):
    """Return what an input arrives as."""

    def build(before, given, fetched=()):
        interface = written(f"{before}\ndef run(x: Out) -> str: ...")
        return arguments(interface, {"x": given}, fetched)["x"]

    return build


@pytest.mark.parametrize("kind", KINDS)
def test_fields_with_a_default_or_none_may_be_missing(output_of, kind):
    before = source(kind, "text: str", "score: Optional[float]", "n: int = 3")

    assert output_of("Out", before) == {
        "title": "Output",
        "type": "object",
        "properties": {
            "text": TEXT,
            "score": {"title": "Score", "type": "number", "nullable": True},
            "n": {"title": "N", "type": "integer"},
        },
        "required": ["text"],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_fields_of_bases_come_first(output_of, kind):
    before = source(kind, "text: str") + "\n" + source(kind, "more: str").replace("Out", "Out2")
    before = before.replace(KINDS[kind].replace("Out", "Out2"), KINDS[kind].replace("Out", "Out2"))
    child = before + "\n" + ("@dataclasses.dataclass\n" if kind == "dataclass" else "")
    child += "class Child(Out):\n    extra: int"

    assert list(output_of("Child", child)["properties"]) == ["text", "extra"]


def test_models_inside_models_stand_inline_and_a_recursive_one_is_any_object(output_of):
    before = """
        class Inner(BaseModel):
            text: str
        class Out(pydantic.BaseModel):
            inner: dict[str, List[int]]
            again: "Optional[List[Out]]" = None
        @dataclasses.dataclass
        class Outer:
            inner: "list[Inner]"
            out: Out
    """

    found = output_of("Outer", before)["properties"]

    assert found["inner"]["items"] == {
        "type": "object",
        "properties": {"text": TEXT},
        "required": ["text"],
    }
    assert found["out"]["properties"]["again"]["items"] == {"type": "object"}


def test_a_typed_dict_says_itself_what_is_required(output_of):
    before = """
        from typing_extensions import Required
        class Base(TypedDict):
            text: str
        class Out(Base, total=False):
            n: int
            m: "Required[int]"
            o: "Optional[int]"
    """

    found = output_of("Out", before)

    assert list(found["properties"]) == ["text", "n", "m", "o"]
    assert found["required"] == ["text", "m"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_input_arrives_as_a_model(build, kind):
    before = source(kind, "text: str", "score: Optional[float]", "n: int = 3")

    found = build(before, {"text": "a", "n": 2.0})

    assert type(found).__name__ == "Out"
    assert (found.text, found.score, found.n) == ("a", None, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_files_inside_an_input_arrive_as_paths(build, kind, tmp_path):
    file = str(tmp_path / "a.png")
    field = "files: List[pathlib.Path]"

    found = build(source(kind, field), {"files": [file]}, [["x", "files", 0]])

    assert [str(path) for path in found.files] == [file]


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_documented_with_their_fields(property_of, kind):
    assert property_of("Out", before=source(kind, "text: str")) == {
        "title": "X",
        "type": "object",
        "x-order": 0,
        "properties": {"text": TEXT},
        "required": ["text"],
    }


def test_a_typed_dict_as_input_is_any_object_but_for_its_files(property_of):
    before = "class Plain(TypedDict):\n    n: int\nclass Files(TypedDict):\n    n: int\n    f: Path"

    assert property_of("Plain", before=before) == {"title": "X", "type": "object", "x-order": 0}
    assert property_of("Files", before=before)["properties"] == {
        "f": {"title": "F", "type": "string", "format": "uri"}
    }


NODES = {
    "cog": "class Node(BaseModel):",
    "pydantic 2": "class Node(pydantic.BaseModel):",
    "dataclass": "@dataclasses.dataclass\nclass Node:",
}


@pytest.mark.parametrize("kind", NODES)
def test_a_model_inside_itself_arrives_as_one_at_every_level(written, kind):
    fields = "\n    file: Optional[Path] = None\n    children: Optional[List['Node']] = None"
    interface = written(f"{NODES[kind]}{fields}\ndef run(x: Node) -> str: ...")
    given = {"children": [{"children": [{"file": "/tmp/a.png"}]}]}

    with pytest.raises(InputError, match=r"children\.0\.children\.0\.file: .*http\(s\)"):
        arguments(interface, {"x": given})
    place = ["x", "children", 0, "children", 0, "file"]
    found = arguments(interface, {"x": given}, [place])["x"]

    inmost = found.children[0].children[0]
    assert type(inmost).__name__ == "Node"
    assert str(inmost.file) == "/tmp/a.png"


def test_a_typed_dict_inside_itself_is_looked_into_where_it_holds_files(written):
    interface = written("""
        class Plain(TypedDict):
            inner: "Plain"
        class Files(TypedDict, total=False):
            inner: "Files"
            file: Path
        def run(x: Plain, y: Files) -> str: ...
    """)
    given = {"x": {"inner": {"inner": 3}}, "y": {"inner": {"inner": {"file": "/tmp/a.png"}}}}

    found = arguments(interface, given, [["y", "inner", "inner", "file"]])

    assert found["x"] == given["x"]
    assert isinstance(found["y"]["inner"]["inner"]["file"], Path)


def test_pydantic_reads_its_own_aliases(build):
    before = "class Out(pydantic.BaseModel):\n    text: str = pydantic.Field(alias='Text-In')"

    assert build(before, {"text": "a"}).text == "a"


def test_a_generic_model(output_of):
    before = """
        T = TypeVar("T")
        class Box(pydantic.BaseModel, Generic[T]):
            content: T
    """

    assert output_of("Box[int]", before)["properties"]["content"]["type"] == "integer"


def test_constrained_types_of_pydantic_1_are_what_they_constrain(output_of, build):
    before = source("pydantic 1", "n: v1.conint(ge=1)", "text: v1.AnyUrl = 'http://x'")

    assert output_of("Out", before)["properties"] == {
        "n": {"title": "N", "type": "integer"},
        "text": TEXT,
    }
    assert build(before, {"n": 1}).n == 1
    with pytest.raises(InputError, match=r"^x: 1 validation error"):
        build(before, {"n": 0})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("annotation", "json_type"),
    [
        ("uuid.UUID", "string"),
        ("decimal.Decimal", "number"),
        ("datetime.timedelta", "number"),
        ("ipaddress.IPv4Address", "string"),
        ("pydantic.HttpUrl", "string"),
        ("pydantic.PostgresDsn", "string"),
    ],
)
def test_outputs_hold_what_is_made_json_when_it_is_sent(output_of, kind, annotation, json_type):
    if kind == "pydantic 1" and annotation.startswith("pydantic."):
        pytest.skip("types of pydantic 2")
    before = "import decimal, ipaddress, uuid\n" + source(kind, f"it: Optional[{annotation}]")

    found = output_of("Out", before)["properties"]["it"]

    assert found == {"title": "It", "type": json_type, "nullable": True}


@pytest.mark.parametrize("kind", ["pydantic 1", "pydantic 2"])
def test_pydantic_makes_what_it_alone_knows_of_json(build, property_of, kind):
    before = source(kind, "text: str", "day: datetime.date")

    assert build(before, {"text": "a", "day": "2026-11-26"}).day == datetime.date(2026, 11, 26)
    assert property_of("Out", before=before)["properties"] == {
        "text": TEXT,
        "day": {"title": "Day"},
    }


@pytest.mark.parametrize("kind", ["cog", "dataclass"])
def test_others_cannot_be_made_of_what_has_no_json(build, kind):
    with pytest.raises(SchemaError, match="unsupported Cog type date"):
        build(source(kind, "text: str", "day: datetime.date"), {})
