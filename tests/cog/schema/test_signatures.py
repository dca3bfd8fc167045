"""Signatures as their authors wrote them, whatever stands between."""

import functools
import inspect

import pytest

from cog import BasePredictor, Input
from cog.errors import SchemaError
from cog.schema.coercion import arguments
from cog.schema.loading import model_of


@pytest.fixture
def call(read):
    """Call a model as the worker does."""

    def call(target, **given):
        model = model_of(target)
        return model.method(model.instantiate())(**arguments(read(target), given))

    return call


def names(interface):
    return [parameter.name for parameter in interface.parameters]


def test_two_underscores_are_kept_for_clients_and_mangled_for_the_call(read, call):
    class _Predictor:
        def predict(self, __seed: int, _top: int = 1, __dunder__: int = 2) -> int:
            return __seed + _top

    assert names(read(_Predictor)) == ["__seed", "_top", "__dunder__"]
    assert call(_Predictor, __seed=3) == 4


def test_an_inherited_method_is_mangled_by_the_class_that_wrote_it(call):
    class Base(BasePredictor):
        def predict(self, __seed: int) -> int:
            return __seed

    class Predictor(Base): ...

    assert call(Predictor, __seed=3) == 3


def test_a_decorator_that_says_what_it_wraps(read, call):
    def logged(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs)

        return inner

    class Predictor:
        @logged
        def predict(self, x: int, y: str = "a") -> str:
            return f"{x}{y}"

    assert names(read(Predictor)) == ["x", "y"]
    assert call(Predictor, x=1) == "1a"


def test_a_decorator_that_does_not(read, call):
    def logged(function):
        def inner(*args, **kwargs):
            return function(*args, **kwargs)

        return inner

    class Predictor:
        @logged
        def predict(self, x: int) -> str:
            return f"{x}"

    assert names(read(Predictor)) == ["x"]
    assert call(Predictor, x=1) == "1"


def test_a_signature_rewritten_at_import(read, call):
    class Predictor:
        def predict(self, **kwargs):
            return kwargs

    fields = [
        inspect.Parameter("x", inspect.Parameter.KEYWORD_ONLY, annotation=int, default=Input(ge=1)),
        inspect.Parameter("y", inspect.Parameter.KEYWORD_ONLY, annotation=str, default="a"),
    ]
    Predictor.predict.__signature__ = inspect.Signature(fields, return_annotation=dict)

    assert names(read(Predictor)) == ["x", "y"]
    assert call(Predictor, x=1) == {"x": 1, "y": "a"}


def test_annotations_and_defaults_rewritten_at_import(read):
    def predict(x, y=None): ...

    predict.__annotations__ = {"x": int, "y": str, "return": str}
    predict.__defaults__ = (Input(default="b", choices=["a", "b"]),)

    assert [(one.name, one.default) for one in read(predict).parameters][1] == ("y", "b")


@pytest.mark.parametrize(
    "source",
    [
        "class P:\n @staticmethod\n def predict(x: int) -> int: return x",
        "class P:\n @classmethod\n def predict(cls, x: int) -> int: return x",
        "class P:\n def predict(this, x: int) -> int: return x",
        "class P:\n def predict(self: 'P', *, x: int) -> int: return x",
        "class P:\n def predict(self, x: int, *args, **kwargs) -> int: return x",
        "class C:\n def __call__(self, x: int) -> int: return x\nP = C()",
        "def predict(x: int, y: int = 2) -> int: return x\nP = functools.partial(predict, y=3)",
        "P = lambda x: x\nP.__annotations__['x'] = int",
    ],
)
def test_what_may_stand_for_a_method(call, read, source):
    scope = {"functools": functools}
    exec(source, scope)

    assert names(read(scope["P"]))[0] == "x"
    assert call(scope["P"], x=2) == 2


def test_a_positional_only_parameter_is_refused(read):
    def predict(x: int, /) -> int: ...

    with pytest.raises(SchemaError, match=r"^parameter 'x' on predict is positional-only$"):
        read(predict)


def test_a_function_without_a_signature_is_refused(read):
    with pytest.raises(SchemaError, match=r"^The signature of .* is unknown$"):
        read(max)


def test_what_only_looks_like_a_method_is_refused(written):
    source = """
        class Predictor:
            def answer(self, n: int, x: str) -> str: ...
            predict = functools.partialmethod(answer, 1)
    """

    with pytest.raises(SchemaError, match=r"^The signature of .* is unknown$"):
        written(source)


def test_an_alias_of_a_newer_python(read):
    scope = {}
    try:
        exec("type Prompt = str\ndef predict(x: Prompt) -> str: ...", scope)
    except SyntaxError:
        pytest.skip("Python 3.12 and up have `type` statements")

    assert names(read(scope["predict"])) == ["x"]


class TestAsync:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("async def run() -> str: ...", True),
            ("async def run() -> AsyncIterator[str]:\n yield 'a'", True),
            ("def run() -> Iterator[str]:\n yield 'a'", False),
            ("class C:\n async def __call__(self) -> str: ...\nrun = C()", True),
            ("async def a() -> str: ...\n@functools.wraps(a)\ndef run(): return a()", True),
        ],
    )
    def test_what_must_be_awaited(self, written, source, expected):
        assert written(source).is_async is expected

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("async def run() -> str: ...", False),
            ("def run() -> str: ...", False),
            ("class C:\n async def __call__(self) -> str: ...\nrun = C()", False),
            ("async def a() -> str: ...\n@functools.wraps(a)\ndef run(): ...", True),
            ("async def a() -> str: ...\n@functools.wraps(a)\nasync def run(): ...", False),
        ],
    )
    def test_what_a_plain_function_has_wrapped(self, written, source, expected):
        assert written(source).is_wrapped is expected
