"""JSON to arguments, one rule at a time; `test_any_interface` has all of them at once."""

import io
import json
import pathlib

import pytest

from cog import Path, Secret
from cog.errors import InputError
from cog.schema.coercion import arguments


@pytest.fixture
def arrive(parameter, written):
    """Return what one input arrives as."""

    def arrive(annotation, given, *, fetched=(), before="", default=""):
        default = f" = {default}" if default else ""
        interface = written(f"{before}\ndef run(x: {annotation}{default}) -> str: ...")
        return arguments(interface, {"x": given}, fetched)["x"]

    return arrive


def refusal(arrive, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        arrive(*args, **kwargs)
    return caught.value.message


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        ("int", 2.0, 2),
        ("int", 10**30, 10**30),
        ("float", 2, 2.0),
        ("str", "https://example.com/a.png", "https://example.com/a.png"),
        ("list[str]", ["/etc/passwd"], ["/etc/passwd"]),
        ("Any", [1, {"a": None}], [1, {"a": None}]),
        ("dict[str, int]", {"a": "not looked into"}, {"a": "not looked into"}),
        ("List[float]", [1, 2.5], [1.0, 2.5]),
        ("set[int]", [1, 1, 2], {1, 2}),
        ("tuple[int, ...]", [1, 2], (1, 2)),
        ("tuple[int, str]", [1.0, "a"], (1, "a")),
        ("Optional[int]", None, None),
        ("Union[int, str]", 2.0, 2),
        ("Union[float, int]", 2, 2),
        ("Union[float, str]", 2, 2.0),
        ("Union[str, list[int]]", [2.0], [2]),
        ("str | Path", "plain text", "plain text"),
        ("Literal[1, 'a']", 1.0, 1),
        ("list[Secret]", ["a"], [Secret("a")]),
        ("dict[str, Secret]", {"k": "a"}, {"k": Secret("a")}),
        ("Optional[Secret]", "a", Secret("a")),
    ],
)
def test_values_arrive_as_annotated(arrive, annotation, given, expected):
    found = arrive(annotation, given)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "given", "message"),
    [
        ("int", 2.5, "x: Invalid value for type int"),
        ("int", True, "x: Invalid value for type int"),
        ("int", "2", "x: Invalid value for type int"),
        ("int", float("nan"), "x: Invalid value for type int"),
        ("float", 10**400, "x: Invalid value for type float"),
        ("bool", 1, "x: Invalid value for type bool"),
        ("str", 1, "x: Invalid value for type str"),
        ("str", None, "x: Invalid value for type str"),
        ("list[int]", "1", "x: Invalid value for type list[int]"),
        ("list[int]", [1, None], "x.1: Invalid value for type int"),
        ("tuple[int, str]", [1], "x: Invalid value for type tuple[int, str]"),
        ("set[Any]", [{}], "x: Invalid value for type set[Any]: unhashable type: 'dict'"),
        ("dict", [], "x: Invalid value for type dict[Any]"),
        ("Dict[str, Secret]", {"k": 1}, "x.k: Invalid value for type Secret"),
        ("Union[int, list[int]]", "a", "x: Invalid value for type int | list[int]"),
        ("Literal[1, 'a']", True, "x: does not match choices"),
    ],
)
def test_what_does_not_fit_is_named(arrive, annotation, given, message):
    found = refusal(arrive, annotation, given)

    assert found == message


class TestFiles:
    def test_a_fetched_file_is_a_path(self, arrive, tmp_path):
        file = str(tmp_path / "a.png")

        found = arrive("pathlib.Path", file, fetched=[["x"]])

        assert isinstance(found, Path)
        assert str(found) == file

    def test_a_fetched_file_may_be_open(self, arrive, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"content")

        with arrive("File", str(tmp_path / "a.txt"), fetched=[["x"]]) as found:
            assert found.read() == b"content"

    def test_only_the_places_that_were_fetched_are_files(self, arrive):
        message = "x.1: Invalid value for type Path: neither an http(s) nor a data URL"

        assert refusal(arrive, "list[Path]", ["/a", "/etc/passwd"], fetched=[["x", 0]]) == message
        assert refusal(arrive, "Path", "/etc/passwd").startswith("x: Invalid value")
        assert refusal(arrive, "File", "/etc/passwd").startswith("x: Invalid value")

    def test_a_fetched_file_where_text_is_allowed_too(self, arrive):
        assert arrive("str | Path", "/a", fetched=[["x"]]) == Path("/a")
        assert arrive("str | list[Path]", ["/a"], fetched=[["x", 0]]) == [Path("/a")]

    def test_in_python_one_may_give_paths_and_open_files(self, arrive):
        file = io.BytesIO(b"a")

        assert arrive("Path", pathlib.Path("/a")) == Path("/a")
        assert isinstance(arrive("Path", pathlib.Path("/a")), Path)
        assert arrive("File", file) is file

    def test_the_author_may_name_a_file_as_default(self, written):
        interface = written("def run(x: Path = 'a.png') -> str: ...")

        assert arguments(interface, {})["x"] == Path("a.png")

    def test_a_url_as_default_is_fetched_when_it_is_needed(self, written):
        interface = written("def run(x: Path = 'data:text/plain,hello') -> str: ...")

        found = arguments(interface, {})["x"]

        assert found.read_text() == "hello"
        found.unlink()


class TestChoices:
    BEFORE = "class Color(enum.Enum):\n    RED = 'red'\n    BLUE = 'blue'\n"

    def test_a_value_arrives_as_a_member(self, arrive):
        assert arrive("Color", "red", before=self.BEFORE).name == "RED"
        assert arrive("list[Color]", ["blue"], before=self.BEFORE)[0].name == "BLUE"

    def test_a_member_stays_one(self, written):
        interface = written(f"{self.BEFORE}\ndef run(x: Color) -> str: ...")
        member = interface.parameters[0].type.members[0]

        assert arguments(interface, {"x": member}) == {"x": member}

    def test_a_default_is_a_member_however_it_is_written(self, written):
        source = self.BEFORE + "def run(x: Color = 'red', y: Color = Color.RED) -> str: ..."

        found = arguments(written(source), {})

        assert found["x"] is found["y"]

    def test_a_floats_choice_is_a_float(self, arrive):
        assert isinstance(arrive("float", 1, default="Input(choices=[1, 2])"), float)


class TestDefaults:
    def test_they_are_unwrapped_and_typed(self, written):
        source = """
            def run(a: str = Input(default="b"), b: float = 1, c: Secret = "s",
                    d: Optional[int] = Input(), e: Path = None, f: int = Input(default=None),
                    g: set[int] = Input(default=[1])) -> str: ...
        """

        found = arguments(written(source), {})

        assert found == {
            "a": "b", "b": 1.0, "c": Secret("s"), "d": None, "e": None, "f": None, "g": {1}
        }  # fmt: skip

    def test_a_call_cannot_change_the_next_ones(self, written):
        interface = written("def run(a: dict = Input(default={}), b: list[int] = [1]) -> str: ...")

        for _ in range(2):
            found = arguments(interface, {})
            assert found == {"a": {}, "b": [1]}
            found["a"]["more"] = found["b"].append(2)

    def test_null_says_the_same_as_nothing_where_the_default_is_none(self, arrive):
        assert arrive("Path", None, default="None") is None
        assert refusal(arrive, "int", None, default="3") == "x: Invalid value for type int"

    def test_a_missing_input_is_named(self, written):
        with pytest.raises(InputError, match=r"^b: Field required$"):
            arguments(written("def run(a: int, b: int) -> str: ..."), {"a": 1})

    def test_what_the_model_does_not_know_is_left_out(self, written):
        interface = written("def run(a: int) -> str: ...")

        assert arguments(interface, {"a": 1, "b": 2}) == {"a": 1}


@pytest.mark.parametrize(
    ("annotation", "default", "given", "message"),
    [
        ("int", "Input(ge=3)", 2, "x: fails constraint >= 3"),
        ("float", "Input(le=3)", 3.5, "x: fails constraint <= 3"),
        ("list[int]", "Input(ge=3)", [3, 2], "x: fails constraint >= 3"),
        ("Union[int, str]", "Input(ge=3)", 2, "x: fails constraint >= 3"),
        ("str", "Input(regex='^a')", "ba", "x: does not match regex"),
        ("str", "Input(min_length=2)", "a", "x: fails constraint len() >= 2"),
        ("Optional[str]", "Input(max_length=2)", "abc", "x: fails constraint len() <= 2"),
        ("list[str]", "Input(max_length=1)", ["abc", "d"], "x: fails constraint len() <= 1"),
    ],
)
def test_limits_hold(arrive, annotation, default, given, message):
    assert refusal(arrive, annotation, given, default=default) == message


@pytest.mark.parametrize(
    ("annotation", "default", "given"),
    [
        ("int", "Input(ge=3, le=3)", 3),
        ("str", "Input(regex='b')", "abc"),
        ("list[str]", "Input(max_length=2)", ["abc", "d"]),
        ("Optional[int]", "Input(ge=3)", None),
        ("bool", "Input()", False),
    ],
)
def test_what_is_within_the_limits_passes(arrive, annotation, default, given):
    assert arrive(annotation, given, default=default) == given


class TestModels:
    def test_a_missing_field_is_named(self, arrive):
        before = "class Out(BaseModel):\n    text: str\n    n: int = 1"

        assert refusal(arrive, "Out", {}, before=before) == "x.text: Field required"
        assert refusal(arrive, "Out", 3, before=before) == "x: Invalid value for type Out"
        found = refusal(arrive, "list[Out]", [{"text": 3}], before=before)
        assert found == "x.0.text: Invalid value for type str"

    def test_what_pydantic_says_is_passed_on(self, arrive):
        before = "class Out(pydantic.BaseModel):\n    n: int = pydantic.Field(ge=3)"

        assert "greater than or equal to 3" in refusal(arrive, "Out", {"n": 1}, before=before)

    def test_a_typed_dict_is_not_looked_into(self, arrive):
        given = {"text": 3, "more": [json]}

        assert arrive("Out", given, before="class Out(TypedDict):\n    text: str") == given

    def test_an_instance_stays_one(self, written):
        interface = written("class Out(BaseModel):\n    n: int = 1\ndef run(x: Out = Out()): ...")
        default = interface.parameters[0].default

        assert arguments(interface, {})["x"] is default
        assert arguments(interface, {"x": default})["x"] is default
