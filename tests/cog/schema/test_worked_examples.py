"""The documents that Cog's own tools print for these signatures."""

import json

import pytest

from cog.schema.openapi import document


@pytest.fixture
def components(written):
    return lambda source: document(written(source), None)["components"]["schemas"]


def test_a_required_text(components):
    found = components("""
        class Runner(BaseRunner):
            def run(self, text: str = Input(description="Text")) -> str:
                return text
    """)

    assert found["Input"] == json.loads(
        '{"properties":{"text":{"description":"Text","title":"Text","type":"string","x-order":0}},'
        '"required":["text"],"title":"Input","type":"object"}'
    )
    assert found["Output"] == {"title": "Output", "type": "string"}


def test_a_file_and_a_number_with_bounds(components):
    found = components("""
        class Predictor(BasePredictor):
            def predict(
                self, image: Path, scale: float = Input(default=1.5, ge=0, le=10)
            ) -> Path: ...
    """)

    assert found["Input"]["properties"] == {
        "image": {"format": "uri", "title": "Image", "type": "string", "x-order": 0},
        "scale": json.loads(
            '{"default":1.5,"maximum":10,"minimum":0,"title":"Scale","type":"number","x-order":1}'
        ),
    }
    assert found["Input"]["required"] == ["image"]
    assert found["Output"] == {"format": "uri", "title": "Output", "type": "string"}


def test_choices_are_a_component_of_their_own(components):
    found = components("""
        def run(fmt: str = Input(default="png", choices=["png","jpg"]),
                n: int = Input(choices=[1, 2])) -> str: ...
    """)

    assert found["Input"]["properties"]["fmt"] == {
        "allOf": [{"$ref": "#/components/schemas/fmt"}],
        "default": "png",
        "x-order": 0,
    }
    assert found["fmt"] == {
        "description": "An enumeration.",
        "enum": ["png", "jpg"],
        "title": "fmt",
        "type": "string",
    }
    assert found["n"]["type"] == "integer"


def test_none_is_a_default_only_of_what_may_be_none(components):
    """An input with default None may be left out, whatever its type: here we differ from Cog."""
    found = components("""
        def run(a: Optional[int] = Input(default=None), b: Optional[int] = Input(),
                c: int = Input(default=None), d: Path = None) -> str: ...
    """)["Input"]

    expected = {"nullable": True, "type": "integer"}
    assert found["properties"] == {
        "a": {**expected, "default": None, "title": "A", "x-order": 0},
        "b": {**expected, "title": "B", "x-order": 1},
        "c": {"title": "C", "type": "integer", "x-order": 2},
        "d": {"title": "D", "type": "string", "format": "uri", "x-order": 3},
    }
    assert "required" not in found


def test_a_secret_with_default_none_may_be_none(property_of):
    assert property_of("Secret", "Input(default=None)") == json.loads(
        '{"default":null,"format":"password","nullable":true,"title":"X","type":"string",'
        '"writeOnly":true,"x-cog-secret":true,"x-order":0}'
    )


def test_dicts_and_lists_of_them(components):
    found = components("def run(data: dict, items: Optional[list[dict]] = None) -> str: ...")

    assert found["Input"]["properties"] == {
        "data": {"title": "Data", "type": "object", "x-order": 0},
        "items": json.loads(
            '{"default":null,"items":{"type":"object"},"nullable":true,"title":"Items",'
            '"type":"array","x-order":1}'
        ),
    }


def test_unions(components):
    found = components("""
        def run(value: str | float, other: str | float | None = Input(default=None)) -> str: ...
    """)["Input"]

    assert found["properties"]["value"] == {
        "anyOf": [{"type": "string"}, {"type": "number"}],
        "title": "Value",
        "x-order": 0,
    }
    assert found["properties"]["other"] == {
        "anyOf": [{"type": "string", "nullable": True}, {"type": "number", "nullable": True}],
        "default": None,
        "nullable": True,
        "title": "Other",
        "x-order": 1,
    }
    assert found["required"] == ["value"]


def test_what_a_file_chooser_offers(property_of):
    assert property_of("Path", 'Input(accept="image/*")')["x-cog-accept"] == "image/*"


@pytest.mark.parametrize("iterator", ["ConcatenateIterator", "AsyncConcatenateIterator"])
def test_text_in_pieces(output_of, iterator):
    assert output_of(f"{iterator}[str]") == {
        "items": {"type": "string"},
        "title": "Output",
        "type": "array",
        "x-cog-array-display": "concatenate",
        "x-cog-array-type": "iterator",
    }


def test_iterators_and_lists_of_files(output_of):
    files = {"items": {"format": "uri", "type": "string"}, "title": "Output", "type": "array"}

    assert output_of("Iterator[Path]") == {**files, "x-cog-array-type": "iterator"}
    assert output_of("List[Path]") == files


def test_a_model_as_output(output_of):
    before = """
        class Out(BaseModel):
            text: str
            score: Optional[float]
            tags: list[str] = []
    """

    assert output_of("Out", before) == json.loads(
        '{"properties":{"text":{"title":"Text","type":"string"},'
        '"score":{"nullable":true,"title":"Score","type":"number"},'
        '"tags":{"items":{"type":"string"},"title":"Tags","type":"array"}},'
        '"required":["text"],"title":"Output","type":"object"}'
    )


def test_a_dict_as_output(output_of):
    assert output_of("dict[str, list[int]]") == json.loads(
        '{"additionalProperties":{"items":{"type":"integer"},"type":"array"},'
        '"title":"Output","type":"object"}'
    )


def test_training(written):
    interface = written(
        """
        class TrainingOutput(BaseModel):
            weights: Path
        def train(n: int) -> TrainingOutput: ...
        """,
        mode="train",
    )

    found = document(None, interface)

    assert list(found["paths"])[2:] == ["/trainings", "/trainings/{training_id}/cancel"]
    assert found["components"]["schemas"]["TrainingInput"] == {
        "title": "TrainingInput",
        "type": "object",
        "properties": {"n": {"title": "N", "type": "integer", "x-order": 0}},
        "required": ["n"],
    }
    assert found["components"]["schemas"]["TrainingOutput"] == {
        "title": "Output",
        "type": "object",
        "properties": {"weights": {"format": "uri", "title": "Weights", "type": "string"}},
        "required": ["weights"],
    }
