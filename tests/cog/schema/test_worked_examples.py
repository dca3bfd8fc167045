"""Cog's documents, as its own tools print them, from the same sources."""

import json
import textwrap

import pytest
from cog.schema.inspection import interface_of
from cog.schema.loading import load
from cog.schema.openapi import document

PREAMBLE = """
from typing import *
from cog import *
"""


@pytest.fixture
def schemas(tmp_path, monkeypatch):
    """Return the components of a model with these parameters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path)])

    def components(parameters, returns="str", before=""):
        source = f"""
{PREAMBLE}
{textwrap.dedent(before)}
class Runner(BaseRunner):
    def run(self, {parameters}) -> {returns}:
        return None
"""
        (tmp_path / "run-it.py").write_text(source)
        return document(interface_of(load("run-it.py:Runner")), None)["components"]["schemas"]

    return components


def properties_of(schemas):
    return schemas["Input"]["properties"]


def test_a_required_text(schemas):
    found = schemas('text: str = Input(description="Text")')

    assert found["Input"] == json.loads(
        '{"properties":{"text":{"description":"Text","title":"Text","type":"string","x-order":0}},'
        '"required":["text"],"title":"Input","type":"object"}'
    )
    assert found["Output"] == {"title": "Output", "type": "string"}


def test_a_file_and_a_number_with_bounds(schemas):
    found = schemas("image: Path, scale: float = Input(default=1.5, ge=0, le=10)", "Path")

    assert properties_of(found) == {
        "image": {"format": "uri", "title": "Image", "type": "string", "x-order": 0},
        "scale": json.loads(
            '{"default":1.5,"maximum":10,"minimum":0,"title":"Scale","type":"number","x-order":1}'
        ),
    }
    assert found["Input"]["required"] == ["image"]
    assert found["Output"] == {"format": "uri", "title": "Output", "type": "string"}
