import sys
import textwrap
import types

import pytest

from cog.schema.inspection import interface_of
from cog.schema.loading import model_of
from cog.schema.openapi import document

PREAMBLE = """
import cog, collections, dataclasses, datetime, enum, functools, pathlib, typing
from typing import *
from collections.abc import *
from cog import *
import pydantic
from pydantic import v1
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder that is the working directory; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def read():
    """Return the interface of a class or function."""
    return lambda target, mode="predict": interface_of(model_of(target, mode))


@pytest.fixture
def written(read, monkeypatch):
    """Return the interface of what a source defines last, as models in the wild spell it."""

    def written(source, mode="predict"):
        module = types.ModuleType("written_model")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        names = vars(module)
        exec(PREAMBLE, names)
        known = set(names)
        exec(textwrap.dedent(source), names)
        return read(names[[name for name in names if name not in known][-1]], mode)

    return written


@pytest.fixture
def parameter(written):
    """Return the one parameter of a model; its default as written, if any."""

    def parameter(annotation, default="", before=""):
        default = f" = {default}" if default else ""
        before = textwrap.dedent(before)
        return written(f"{before}\ndef run(x: {annotation}{default}) -> str: ...").parameters[0]

    return parameter


@pytest.fixture
def property_of(written):
    """Return the documented property of a model's one input."""

    def property_of(annotation, default="", before=""):
        default = f" = {default}" if default else ""
        interface = written(f"{textwrap.dedent(before)}\ndef run(x: {annotation}{default}): ...")
        return document(interface, None)["components"]["schemas"]["Input"]["properties"]["x"]

    return property_of


@pytest.fixture
def output_of(written):
    """Return the documented output of a model."""

    def output_of(annotation, before="", body="..."):
        interface = written(f"{textwrap.dedent(before)}\ndef run() -> {annotation}: {body}")
        return document(interface, None)["components"]["schemas"]["Output"]

    return output_of
