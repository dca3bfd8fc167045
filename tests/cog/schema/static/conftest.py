import textwrap

import pytest

from cog.schema.static.description import describe


@pytest.fixture
def told(tmp_path):
    """Describe a project of some files; `predict.py` comes first, and the others by name."""

    def told(source, files=None, reference="predict.py:predict"):
        for name, text in {"predict.py": source, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), "utf-8")
        return describe(tmp_path, reference)

    return told


@pytest.fixture
def value(told):
    """Return what an expression is worth, as the choices of an input; an iterable of texts."""

    def value(expression, before=""):
        source = f"""
from cog import Input
import collections, copy, dataclasses, enum, functools, itertools, json, math, os, pathlib, string
{textwrap.dedent(before)}
def predict(x: str = Input(choices=[repr(({expression}))])) -> str: ...
"""
        document = told(source)["document"]
        return document["components"]["schemas"]["x"]["enum"][0]

    return value
