"""What annotations mean, in every spelling found in models."""

import enum
import json

import pytest

from cog import Secret
from cog.errors import SchemaError
from cog.schema.value_types import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Anything,
    ChoiceType,
    DictType,
    FileType,
    ListType,
    NullableType,
    SecretType,
    StreamType,
    TupleType,
    UnionType,
)

PATH = FileType()


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", STRING),
        ("int", INTEGER),
        ("float", NUMBER),
        ("bool", BOOLEAN),
        ("Path", PATH),
        ("cog.Path", PATH),
        ("pathlib.Path", PATH),
        ("URLPath", PATH),
        ("File", FileType(is_open=True)),
        ("BinaryIO", FileType(is_open=True)),
        ("IO[bytes]", FileType(is_open=True)),
        ("Secret", SecretType(Secret)),
        ("Any", Anything()),
        ("object", Anything()),
        ("dict", DictType(Anything())),
        ("Dict", DictType(Anything())),
        ("Dict[str, Any]", DictType(Anything())),
        ("Mapping[str, int]", DictType(INTEGER)),
        ("list", ListType(Anything(is_documented=False))),
        ("List", ListType(Anything(is_documented=False))),
        ("list[str]", ListType(STRING)),
        ("List[Path]", ListType(PATH)),
        ("Sequence[int]", ListType(INTEGER)),
        ("list[list[int]]", ListType(ListType(INTEGER))),
        ("List[Optional[int]]", ListType(NullableType(INTEGER))),
        ("set[int]", ListType(INTEGER, set)),
        ("Tuple[int, ...]", ListType(INTEGER, tuple)),
        ("tuple[int, str]", TupleType((INTEGER, STRING))),
        ("Optional[str]", NullableType(STRING)),
        ("str | None", NullableType(STRING)),
        ("Union[None, str]", NullableType(STRING)),
        ("Optional[list[Path]]", NullableType(ListType(PATH))),
        ("Union[int, str]", UnionType((INTEGER, STRING))),
        ("Path | str", UnionType((PATH, STRING))),
        ("str | list[str] | None", NullableType(UnionType((STRING, ListType(STRING))))),
        ("Union[str, Any]", Anything()),
        ("Literal['a', 'b']", ChoiceType(("a", "b"), ("a", "b"))),
        ("Literal['a', None]", NullableType(ChoiceType(("a",), ("a",)))),
        ("Annotated[int, 'words']", INTEGER),
        ("Annotated[torch, Opaque]", Anything()),
        ("Annotated[List[torch], Opaque]", ListType(Anything())),
        ("Annotated[Optional[torch], Opaque]", NullableType(Anything())),
        ("Optional[Annotated[torch, Opaque]]", NullableType(Anything())),
        ("NewType('Prompt', str)", STRING),
        ("TypeVar('T')", Anything()),
    ],
)
def test_an_input_annotation(parameter, annotation, expected):
    """An unknown class stands for those that Opaque keeps us from looking into."""
    found = parameter(annotation, before="class torch: ...")

    assert found.type == expected


@pytest.mark.parametrize(
    "annotation",
    ["'int'", "'Optional[Path]'", "list['Path']", "Optional['Path']", "List['list[int]']"],
)
def test_text_reads_as_what_it_says(parameter, annotation):
    unquoted = annotation.replace("'", "")

    assert parameter(annotation).type == parameter(unquoted).type


def test_postponed_annotations(written):
    interface = written("""
        from __future__ import annotations
        class Out(BaseModel):
            files: List[Path]
            again: Out | None
        class Runner:
            def run(self, x: Path | None = None, y: Literal["a"] = "a") -> Iterator[Out]: ...
    """)

    assert interface.parameters[0].type == NullableType(PATH)
    assert interface.parameters[1].type == ChoiceType(("a",), ("a",))
    assert isinstance(interface.output, StreamType)
    fields = interface.output.items.fields
    assert [one.type for one in fields] == [ListType(PATH), NullableType(Anything())]


def test_aliased_imports(parameter):
    found = parameter("CogPath", before="from cog import Path as CogPath")

    assert found.type == PATH


def test_names_that_were_imported_for_type_checkers_only(read):
    """`if TYPE_CHECKING: from cog import Path` leaves nothing to find at run time."""
    names = {}
    exec("def run(x: 'Path', y: 'Optional[List[Any]]') -> 'Iterator[str]': ...", names)

    interface = read(names["run"])

    assert [one.type for one in interface.parameters] == [
        PATH,
        NullableType(ListType(Anything())),
    ]
    assert interface.output == StreamType(STRING)


def test_names_of_the_class_and_of_enclosing_functions(read):
    class Local(enum.Enum):
        A = "a"

    def run(x: "Local") -> "Local":
        return Local.A

    assert read(run).parameters[0].type == ChoiceType(("a",), (Local.A,))


def test_unknown_names_are_told(parameter):
    with pytest.raises(SchemaError) as caught:
        parameter("'Tensor'")

    assert caught.value.message == (
        "parameter 'x': cannot resolve type 'Tensor' - it is not a primitive type"
    )
    assert "NameError" in caught.value.hint


@pytest.mark.parametrize(
    "annotation", ["bytes", "complex", "type[int]", "Iterator[str]", "Callable[[int], str]"]
)
def test_what_no_json_stands_for_is_refused_as_an_input(parameter, annotation):
    with pytest.raises(SchemaError, match=r"^parameter 'x': unsupported Cog type "):
        parameter(annotation)


class TestEnum:
    BEFORE = """
        class Color(enum.Enum):
            RED = "red"
            BLUE = 3
        class Shape(enum.Enum):
            BOX = (1, 2)
        class Empty(enum.Enum): ...
    """

    def test_values_are_what_clients_say(self, parameter):
        found = parameter("Color", before=self.BEFORE).type

        assert found.values == ("red", 3)
        assert [member.name for member in found.members] == ["RED", "BLUE"]

    def test_names_where_values_are_no_json(self, parameter):
        assert parameter("Shape", before=self.BEFORE).type.values == ("BOX",)

    def test_one_without_members_is_refused(self, parameter):
        with pytest.raises(SchemaError, match="unsupported Cog type Empty: it has no members"):
            parameter("Empty", before=self.BEFORE)


class TestOutput:
    @pytest.mark.parametrize(
        ("annotation", "schema"),
        [
            ("Any", '{"type":"object"}'),
            ("dict", '{"type":"object"}'),
            ("Dict[str, Any]", '{"type":"object"}'),
            ("list", '{"type":"array","items":{"type":"object"}}'),
            ("set[int]", '{"type":"array","items":{"type":"integer"}}'),
            ("Optional[str]", '{"type":"string","nullable":true}'),
            ("None", '{"type":"object","nullable":true}'),
            ("Union[str, int]", '{"anyOf":[{"type":"string"},{"type":"integer"}]}'),
            ("datetime.datetime", '{"type":"string","format":"date-time"}'),
            ("Literal[1, 2]", '{"enum":[1,2],"type":"integer"}'),
            ("Literal[1, 'a']", '{"enum":[1,"a"]}'),
            ("tuple[int, int]",
             '{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":2}'),
            ("Generator[int, None, None]",
             '{"type":"array","items":{"type":"integer"},"x-cog-array-type":"iterator"}'),
            ("AsyncIterator[bool]",
             '{"type":"array","items":{"type":"boolean"},"x-cog-array-type":"iterator"}'),
            ("Iterator",
             '{"type":"array","items":{"type":"object"},"x-cog-array-type":"iterator"}'),
            ("'Iterator[int]'",
             '{"type":"array","items":{"type":"integer"},"x-cog-array-type":"iterator"}'),
            ("Annotated['Iterator[int]', 'said in passing']",
             '{"type":"array","items":{"type":"integer"},"x-cog-array-type":"iterator"}'),
            ("NewType('Numbers', Iterator[int])",
             '{"type":"array","items":{"type":"integer"},"x-cog-array-type":"iterator"}'),
        ],
    )  # fmt: skip
    def test_schema(self, output_of, annotation, schema):
        assert output_of(annotation) == {**json.loads(schema), "title": "Output"}

    def test_a_missing_annotation_promises_nothing(self, written):
        assert written("def run(): ...").output == Anything(is_documented=False)
        assert written("def run(): yield 1").output == StreamType(Anything(is_documented=False))

    def test_an_iterable_streams_if_it_is_made_by_a_generator(self, output_of):
        assert "x-cog-array-type" in output_of("Iterable[int]", body="yield 1")
        assert "x-cog-array-type" not in output_of("Iterable[int]", body="return [1]")

    def test_pieces_of_text_are_text(self, output_of):
        message = r"^ConcatenateIterator element type must be str, got int$"
        with pytest.raises(SchemaError, match=message):
            output_of("ConcatenateIterator[int]")

    def test_a_class_without_schema_is_refused(self, output_of):
        message = "^cannot resolve type 'Image' - it is not a primitive type"
        with pytest.raises(SchemaError, match=message):
            output_of("Image", before="class Image: ...")

    def test_files_are_known_from_afar(self, written):
        def is_file(annotation):
            return written(f"def run() -> {annotation}: ...").output_is_file

        files = ["Path", "Optional[Path]", "list[Path]", "Iterator[pathlib.Path]", "str | Path"]
        assert all(map(is_file, files))
        assert not any(map(is_file, ["str", "dict[str, Path]", "Iterator[str]", "Any"]))

    def test_text_beside_files_is_known_from_afar(self, written):
        def is_text(annotation):
            return written(f"def run() -> {annotation}: ...").output_is_text

        assert all(map(is_text, ["str | Path", "list[Union[Path, str]]", "Literal['no'] | Path"]))
        assert not any(map(is_text, ["Path", "Optional[Path]", "int | Path", "list[Path]"]))

    def test_lists_are_known_from_afar(self, written):
        def is_list(annotation):
            return written(f"def run() -> {annotation}: ...").output_is_list

        assert all(map(is_list, ["list", "List[Path]", "tuple[int, int]", "Iterator[str]"]))
        assert not any(map(is_list, ["str", "dict", "Any"]))
