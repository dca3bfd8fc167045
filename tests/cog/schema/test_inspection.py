"""What `Input()` and decorators say, and what is refused of it."""

import pytest

import cog
from cog.errors import SchemaError
from cog.schema.inspection import interface_of
from cog.schema.interface import REQUIRED
from cog.schema.loading import model_of
from cog.schema.value_types import (
    ChoiceType,
    ListType,
    NullableType,
)


def test_inputs_as_class_attributes_and_from_factories(written):
    interface = written("""
        class Inputs:
            prompt = Input(description="a")
            @staticmethod
            def steps(default): return Input(default=default, ge=1)
        def run(a: str = Inputs.prompt, b: int = Inputs.steps(4)) -> str: ...
    """)

    assert [one.description for one in interface.parameters] == ["a", None]
    assert [one.default for one in interface.parameters] == [REQUIRED, 4]


def test_an_input_inside_annotated(parameter):
    found = parameter("Annotated[int, Input(description='a', ge=1)]", "3")

    assert (found.description, found.ge, found.default) == ("a", 1, 3)
    assert parameter("Annotated[int, Input(default=2)]").default == 2


@pytest.mark.parametrize(
    "choices",
    ["D", "D.keys()", "list(D.keys())", "sorted(D)", "set(D)", "tuple(D)", "(k for k in D)"],
)
def test_choices_from_anywhere(parameter, choices):
    found = parameter("str", f"Input(choices={choices})", before="D = {'a': 1, 'b': 2}")

    assert found.type.values == ("a", "b")


@pytest.mark.parametrize(
    ("annotation", "choices", "values"),
    [
        ("int", "range(3)", (0, 1, 2)),
        ("float", "[1, 0.5]", (1, 0.5)),
        ("str", "list(Color)", ("red", "blue")),
        ("Color", "['red']", ("red",)),
        ("Any", "[1, 'a']", (1, "a")),
        ("int", "numpy.arange(2)", (0, 1)),
        ("str", "['only']", ("only",)),
    ],
)
def test_choices_of_many_types(parameter, annotation, choices, values):
    before = """
        import numpy
        class Color(str, enum.Enum):
            RED = "red"
            BLUE = "blue"
    """

    assert parameter(annotation, f"Input(choices={choices})", before).type.values == values


def test_choices_of_what_may_be_none_and_of_lists(parameter):
    colors = ChoiceType(("a", "b"), ("a", "b"))

    assert parameter("Optional[str]", "Input(choices=['a', 'b'])").type == NullableType(colors)
    assert parameter("list[str]", "Input(choices=['a', 'b'])").type == ListType(colors)


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        ("int", "Input(default=5, ge=10)", "invalid default for x: int: must be at minimum 10"),
        ("int", "Input(default=5, le=1)", "invalid default for x: int: must be at maximum 1"),
        ("int", "Input(default='a')", "invalid default for x: int: Invalid value for type int"),
        ("int", "0.5", "invalid default for x: int: Invalid value for type int"),
        ("bool", "1", "invalid default for x: bool: Invalid value for type bool"),
        ("str", "Input(default='b', regex='^a')", "default not a regex match for input: x: str"),
        (
            "str",
            "Input(default='b', min_length=4)",
            "default conflicts with min_length=4 for input: x: str",
        ),
        (
            "str",
            "Input(default='bcd', max_length=2)",
            "default conflicts with max_length=2 for input: x: str",
        ),
        (
            "str",
            "Input(default='c', choices=['a', 'b'])",
            "invalid default for x: str: does not match choices",
        ),
        ("list[int]", "['a']", "invalid default for x: list[int]: x.0: Invalid value for type int"),
        ("str", "Input(ge=1)", "incompatible input type for ge/le: x: str"),
        ("int", "Input(ge='1')", "ge/le must be numbers: x: int"),
        ("int", "Input(regex='a')", "incompatible input type for regex: x: int"),
        ("str", "Input(regex='(')", "invalid regex for x: "),
        ("int", "Input(max_length=1)", "incompatible input type for min_length/max_length: x: int"),
        ("int", "Input(choices=[])", "choices=[] must have >= 2 elements: x: int"),
        ("int", "Input(choices=['a', 1])", "not all choices have the same type as input: x: int"),
        ("E", "Input(choices=['z'])", "not all choices have the same type as input: x: E"),
        (
            "str",
            "Input(accept='image/*')",
            "accept is only valid on Path or File inputs (parameter 'x')",
        ),
    ],
)  # fmt: skip
def test_what_could_never_be_sent_is_refused(parameter, annotation, default, message):
    with pytest.raises(SchemaError) as caught:
        parameter(annotation, default, before="class E(enum.Enum):\n A = 'a'")

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        ("float", "1"),
        ("int", "2.0"),
        ("Path", "'weights/a.png'"),
        ("Path", "Path('a.png')"),
        ("Path", "'https://example.com/a.png'"),
        ("File", "'https://example.com/a.png'"),
        ("Optional[int]", "Input(default=None, ge=3)"),
        ("list[int]", "Input(default=[4], ge=3, max_length=2)"),
        ("Union[int, str]", "Input(default='a', ge=3)"),
        ("int", "Input(choices=[1, 2], ge=1)"),
        ("E", "E.A"),
        ("E", "'a'"),
        ("M", "M()"),
        ("float", "float('inf')"),
        ("Secret", "'word'"),
        ("str", "Input(default='ä', regex=r'^\\p{L}+$')"),
        ("Any", "object()"),
        ("str", "..."),
    ],
)
def test_what_suits_is_left_alone(parameter, annotation, default):
    before = """
        class E(enum.Enum):
            A = "a"
        class M(BaseModel):
            n: int = 1
    """

    assert parameter(annotation, default, before).name == "x"


def test_a_parameter_without_annotation(written):
    with pytest.raises(SchemaError, match=r"^parameter 'x' on predict has no type annotation$"):
        written("def predict(x) -> str: ...")


class TestDecorators:
    def test_marks_are_read(self, written):
        interface = written("""
            @streaming
            @concurrent(max=4)
            async def run() -> AsyncIterator[str]:
                yield "a"
        """)

        assert (interface.is_streaming, interface.concurrency) == (True, 4)

    def test_streaming_needs_an_iterator(self, written):
        with pytest.raises(SchemaError, match=r"^@streaming requires an iterator return type$"):
            written("@streaming\ndef run() -> str: ...")

    def test_a_mark_for_several_on_what_is_not_async(self, written):
        message = r"^@concurrent\(max > 1\) requires an async run\(\) or predict\(\) method$"
        with pytest.raises(SchemaError, match=message):
            written("def run() -> str: ...\nrun.__cog_concurrent_max__ = 2")


class TestWeights:
    def test_only_a_parameter_of_that_name_takes_them(self, written):
        source = "class P:\n def setup(self, {}): ...\n def predict(self) -> str: ..."

        assert written(source.format("weights: 'Path' = None")).takes_weights
        assert not written(source.format("w=None")).takes_weights

    def test_its_annotation_is_kept(self, written):
        interface = written("""
            class P:
                def setup(self, weights: "Path"): ...
                def predict(self) -> str: ...
        """)

        assert interface.weights_annotation.__name__ == "Path"

    def test_a_function_takes_none(self, written):
        assert not written("def run() -> str: ...").takes_weights


def test_predict_itself_is_not_batched() -> None:
    class Predictor:
        @cog.batch
        def predict(self, texts: list[str]) -> list[str]:
            return texts

    with pytest.raises(SchemaError, match=r"^@batch is for a method that predict\(\) awaits"):
        interface_of(model_of(Predictor))
