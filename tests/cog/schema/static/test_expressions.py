"""An expression is worth what Python makes of it, or it is not known."""

import collections
import copy
import dataclasses
import enum
import functools
import itertools
import json
import math
import os
import pathlib
import string

import pytest

from cog.schema.static.unknown import CannotTell

NAMES = {
    "collections": collections, "copy": copy, "functools": functools, "itertools": itertools,
    "json": json, "math": math, "os": os, "pathlib": pathlib, "string": string,
}  # fmt: skip
KNOWN = [
    "1 + 2 * 3 - -4 // 3 % 5 ** 2",
    "(1 << 10) | 5 & 3 ^ 1, ~7, not 0, +1",
    "'a' 'b' + r'\\d' * 2",
    "'%s and %03d' % ('x', 7), '{:>5}|{}'.format('a', 1), f'{3.14159:.2f} {\"q\"!r:>4}'",
    "[*range(3), *'ab'], (1, *[2]), {**{'a': 1}, 'b': 2}",
    "[i * j for i in range(4) if i % 2 for j in (1, 2)]",
    "{k: v for k, v in zip('abc', range(3))}",
    "sorted({len(w) for w in ('a', 'bb', 'cc')})",
    "sum(i for i in range(10)), any(x > 2 for x in [1, 2]), all([])",
    "'yes' if 3 > 2 >= 2 != 1 else 'no'",
    "1 in [1], 'k' not in {'k': 1}, None is None, [] is not None",
    "[] or {} or 'last', 1 and 2 and 0",
    "'abcdef'[1:-1:2], [1, 2, 3][::-1], {'a': {'b': 1}}['a']['b']",
    "sorted({'b': 1, 'a': 2}.items(), key=lambda pair: -pair[1], reverse=True)",
    "list(map(str.upper, 'ab')), list(map(lambda x, y: x + y, [1, 2], [3, 4]))",
    "list(filter(None, [0, 1])), list(enumerate('ab', 1)), list(reversed([1, 2]))",
    "max(['a', 'ccc'], key=len), min(3, 1), round(2.567, 1), abs(-3), divmod(7, 2)",
    "' a b '.strip().split(), '-'.join(['x', 'y']), 'abc'.replace('b', 'd').title()",
    "list({'a': 1}.keys() | {'a': 2}.keys()), {'a': 1}.get('b', 3)",
    "math.pi, math.floor(2.7), math.inf, string.digits, os.path.join('a', 'b')",
    "str(pathlib.Path('a') / 'b.txt'), pathlib.Path('a/b.txt').suffix",
    "json.loads('{\"a\": [1]}'), json.dumps({'b': 2})",
    "list(itertools.chain([1], (2,))), copy.deepcopy({'a': [1]})",
    "functools.partial(max, 3)(5, key=lambda x: -x)",
    "collections.OrderedDict(a=1)['a'], list(collections.Counter('aab'))",
    "(lambda a, b=2, *c, d=4, **e: [a, b, c, d, e])(1, 2, 3, f=5)",
    "(n := 3) + n, isinstance(True, int), bool([]), chr(97), ord('a'), hex(255)",
    "int('12'), float('1e3'), bytes.decode(b'x'), 1_000.5, 0x1F, complex(1, 2).real if 0 else 1",
]
UNKNOWN = {
    "open('x').read()": "`open`",
    "os.environ['HOME']": "`os.environ`",
    "hash('a')": "`hash`",
    "list({'a', 'b'})": "the order of a set",
    "'{0.__class__}'.format(1)": "looks into a value",
    "().__class__.__bases__": "the attribute `__class__`",
    "1 / 0": "ZeroDivisionError",
    "{}['missing']": "KeyError",
    "undefined": "`undefined` has no value here",
    "object()": "the text of a value",
    "'%s' % enum.Enum('E', 'A').A": "the text of a value of the type `E`",
    "10 ** 10 ** 10": "a number is too large",
    "'a' * 10**9": "a value is too large",
    "list(range(10**9))": "a value is too large",
    "yield 1": "`Yield` is not read",
    "1 +": "newer than this Python",
    "__import__('os')": "`__import__` may change any name",
}


@pytest.mark.parametrize("expression", KNOWN)
def test_an_expression_is_worth_what_python_makes_of_it(value, expression):
    assert value(expression) == repr(eval(expression, dict(NAMES)))


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_depends_on_more_than_the_source_is_not_known(value, expression):
    with pytest.raises(CannotTell) as untold:
        value(expression)

    assert UNKNOWN[expression] in str(untold.value)


STATEMENTS = [
    ("x, (y, *z) = 1, (2, 3, 4)", "x, y, z"),
    ("a = b = []\na.append(1)\nb += [2]", "a, b, a is b"),
    ("d = {}\nd['x'] = 1\nd.setdefault('y', []).append(2)\ndel d['x']", "d"),
    ("n = 0\nfor i in range(5):\n  if i == 3: break\n  n += i\nelse:\n  n = -1", "n"),
    ("n = 0\nwhile n < 5:\n  n += 1\n  if n == 2: continue", "n"),
    ("y = 0\nx = [y := i for i in range(3)]", "x, y"),
    ("x: int = 3\nx -= 1\nx *= 4", "x"),
    ("try:\n  x = 1\nexcept ValueError:\n  x = 2\nelse:\n  y = 3\nfinally:\n  z = 4", "x, y, z"),
    ("def f(n, acc=()):\n  return acc if n == 0 else f(n - 1, (*acc, n))", "f(4)"),
    ("seen = []\ndef f():\n  global last\n  seen.append(1)\n  last = 7\nf()\nf()", "seen, last"),
    ("def f():\n  n = 1\n  def g():\n    nonlocal n\n    n += 1\n  g()\n  return n", "f()"),
    ("class C:\n  a = 1\n  b = [a] * 2\n  @staticmethod\n  def s(x): return x", "C.b, C.s(1)"),
    ("class C:\n  a = 1\n  @classmethod\n  def c(cls): return cls.a", "C.c(), C.__name__"),
    ("@dataclasses.dataclass\nclass P:\n  x: int\n  y: int = 2\np = P(1)", "p.x, p.y, P(3, y=4).y"),
    ("class E(enum.Enum):\n  A = 'a'\n  B = 'b'", "[e.value for e in E], E('a').name"),
    ("import types\nc = types.SimpleNamespace(steps=4)\nc.steps", "c.steps"),
    ("with open('x') as f:\n  x = 5", "x"),
    ("import typing\nif typing.TYPE_CHECKING:\n  x = 1\nelse:\n  x = 2", "x"),
    ("if __name__ == '__main__':\n  x = 1\nelse:\n  x = 2", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "expression"), STATEMENTS)
def test_statements_do_what_they_do_in_python(value, statements, expression, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").touch()
    names = {**NAMES, "dataclasses": dataclasses, "enum": enum, "__name__": "predict"}
    exec(statements, names)

    assert value(expression, before=statements) == repr(eval(expression, names))
