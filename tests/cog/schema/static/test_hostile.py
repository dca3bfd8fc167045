"""No source hangs who reads it, fills the memory, or has its code run."""

import pytest

from cog.errors import CogError
from cog.schema.static.unknown import CannotTell

HEAD = "from cog import *\nimport typing\nfrom typing import *\n"
MODEL = "\nclass Model:\n    def predict(self, a: int = 1) -> str: ...\n"
EVIL = '__import__("pathlib").Path("{}").touch()'

LARGE = {
    "a power": "X = 10**10**10",
    "squares": "X = 10\nfor i in range(100): X = X * X",
    "a text": "X = 'a' * 10**9 + 'x'.ljust(10**10) + 'x'.zfill(10**10)",
    "doubled text": "X = 'a'\nfor i in range(100): X = X + X",
    "doubled list": "X = [1]\nfor i in range(100): X = X + X",
    "extended list": "X = [1]\nfor i in range(100): X.extend(X)",
    "nested lists": "X = Y = [1]\nfor i in range(60): X, Y = [X, X], [Y, Y]\nZ = X == Y",
    "nested tuples": "X = (1,)\nfor i in range(60): X = (X, X)\nY = {X: 1}",
    "nested sets": "X = frozenset()\nfor i in range(60): X = frozenset([X, (X, 1)])\nY = {X}",
    "nested dicts": "X = {}\nfor i in range(60): X = {'a': X, 'b': X}\nY = str(X)",
    "a list in itself": "X = []\nX.append(X)\nY = str(X)\nZ = X == X",
    "ranges": "X = list(range(10**9))\nY = sum(range(10**10))\nfor i in range(10**10): pass",
    "comprehensions": "X = [[[i for i in range(300)] for j in range(300)] for k in range(300)]",
    "no end": "while True: pass",
    "recursion": "def f(x): return f(x + 1)\nX = f(0)",
    "recursion in two": "f = lambda x: [f(x), f(x)]\nX = f(0)",
    "brackets": "X = " + "(" * 5000 + "1" + ")" * 5000,
    "signs": "X = " + "-" * 100_000 + "1",
    "a long sum": "X = " + "+".join(["1"] * 50_000),
    "formats": "X = '{:>1000000000}'.format(1)\nY = f'{1:>1000000000}'\nZ = '%1000000000d' % 1",
    "widths": "X = '{:{}}'.format('x', 10**9)\nY = f'{1:>{10**9}}'\nZ = '%*d' % (10**9, 1)",
    "replaced text": "X = 'a' * 100_000\nY = X.replace('a', X)\nZ = X.join(X)",
    "bytes": "X = bytes(10**10)\nY = bytearray(10**10)\nZ = b'a' * 10**10",
    "shifts": "X = 1 << 10**10",
    "paths": "from pathlib import Path\nX = Path('a' * 1000)\nfor i in range(99): X = X / X",
    "a slow pattern": "X = Input(regex='(a+)+$', default='a' * 40 + '!')",
    "many classes": "\n".join(f"class C{i}: pass" for i in range(2000)),
}


@pytest.mark.parametrize("source", LARGE.values(), ids=LARGE)
def test_a_source_that_wants_too_much_ends(told, source):
    """The memory that a test may have, and its time, are the limits."""
    try:
        answer = told(HEAD + source + MODEL, reference="predict.py:Model")
    except CannotTell:
        return
    assert "a" in answer["document"]["components"]["schemas"]["Input"]["properties"]


@pytest.mark.parametrize(
    "parameter",
    [
        "a: str = Input(regex='(a+)+$', default='a' * 40 + '!')",
        "a: Annotated[str, Input(regex='(a|a)*$')] = 'a' * 40 + '!'",
        "a: str = Input(regex='a*a*a*a*a*$', default='a' * 400 + '!')",
    ],
)
def test_a_default_is_not_held_against_a_slow_pattern(told, parameter):
    with pytest.raises(CannotTell, match="whether the default of `a` has its pattern"):
        told(f"{HEAD}def predict({parameter}) -> str: ...")


def test_a_quick_pattern_is_held_against_its_default(told):
    with pytest.raises(CogError, match="default not a regex match"):
        told(
            f"{HEAD}def predict(a: str = Input(regex='^[a-z]+x?$', default='aaaaaaaaaaaaa!')): ..."
        )


RUNS = {
    "an annotation": "def predict(a: EVIL) -> str: ...",
    "a text": "def predict(a: 'EVIL') -> str: ...",
    "a text in brackets": "def predict(a: Optional['EVIL']) -> list['EVIL']: ...",
    "a new type": "T = NewType('T', 'EVIL')\ndef predict(a: T) -> str: ...",
    "a typed dict": "T = TypedDict('T', {'a': 'EVIL'})\ndef predict(a: T) -> T: ...",
    "a field": "class T(BaseModel):\n    a: 'EVIL'\ndef predict(a: int) -> T: ...",
    "an alias": "class T:\n    __value__ = 'EVIL'\ndef predict(a: T()) -> str: ...",
    "a reference": "class T:\n    __forward_arg__ = 'EVIL'\ndef predict(a: T) -> str: ...",
    "a namespace": "from types import SimpleNamespace as N\n"
    "def predict(a: N(__value__='EVIL')) -> str: ...",
    "a map": "X = list(map(eval, ['EVIL']))\ndef predict(a: int = X) -> str: ...",
    "a key": "X = sorted(['EVIL'], key=eval)\ndef predict(a: int = X) -> str: ...",
    "a partial": "import functools\nX = functools.partial(eval, 'EVIL')()\n"
    "def predict(a: int = X) -> str: ...",
    "a default factory": "import collections\nX = collections.defaultdict(exec)['EVIL']\n"
    "def predict(a: int = X) -> str: ...",
    "a body": "def f(): return EVIL\ndef predict(a: int = f()) -> str: ...",
    "an enum": "import enum\nclass E(enum.Enum):\n    def __new__(cls, value): return EVIL\n"
    "    A = 1\ndef predict(a: E) -> str: ...",
    "a hook": "class M:\n    def __init_subclass__(cls): EVIL\nclass Predictor(M):\n"
    "    def predict(self, a: int) -> str: ...\npredict = Predictor",
    "a metaclass": "class M(type):\n    def __new__(m, *a): EVIL\nclass P(metaclass=M):\n"
    "    def predict(self, a: int) -> str: ...\npredict = P",
    "a property": "class P:\n    @property\n    def x(self): return EVIL\n"
    "def predict(a: int = P().x) -> str: ...",
    "an equality": "class P:\n    def __eq__(self, other): return EVIL\n"
    "def predict(a: int = Input(default=P() == 1)) -> str: ...",
    "a post init": "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int = 1\n"
    "    def __post_init__(self): EVIL\ndef predict(a: P = {'x': 2}) -> str: ...",
    "the built-ins": "X = __builtins__['eval']('EVIL')\ndef predict(a: int = X) -> str: ...",
    "a base class": "class P(object().__class__.__subclasses__()[0]): ...\n"
    "def predict(a: P) -> str: ...",
}


@pytest.mark.parametrize("source", RUNS.values(), ids=RUNS)
def test_no_code_is_run(told, tmp_path, source):
    mark = tmp_path / "ran"
    evil = EVIL.format(mark)

    with pytest.raises((CannotTell, CogError)):
        told(HEAD + source.replace("EVIL", evil))

    assert not mark.exists()
