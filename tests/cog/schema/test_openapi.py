"""What is the same in every document, and how two interfaces share one."""

import jsonschema_rs
import pytest

import cog
from cog.schema.openapi import document
from cog.schema.properties import title


@pytest.fixture
def predict(written):
    return written("def run(fmt: str = Input(choices=['png', 'jpg'])) -> str: ...")


@pytest.fixture
def train(written):
    return written("def train(fmt: int = Input(choices=[1, 2])) -> str: ...", "train")


def test_the_head(predict):
    found = document(predict, None)

    assert found["openapi"] == "3.0.2"
    assert found["info"] == {"title": "Cog", "version": cog.__version__}
    assert list(found) == ["openapi", "info", "paths", "components"]


def test_the_paths(predict):
    paths = document(predict, None)["paths"]

    assert list(paths) == [
        "/",
        "/health-check",
        "/predictions",
        "/predictions/{prediction_id}/cancel",
    ]
    post = paths["/predictions"]["post"]
    assert post["summary"] == "Predict"
    assert post["description"] == "Run a single prediction on the model"
    assert post["operationId"] == "predict_predictions_post"
    assert post["responses"]["422"]["description"] == "Validation Error"
    cancel = paths["/predictions/{prediction_id}/cancel"]["post"]
    assert cancel["operationId"] == "cancel_predictions__prediction_id__cancel_post"
    assert cancel["parameters"] == [
        {
            "in": "path",
            "name": "prediction_id",
            "required": True,
            "schema": {"title": "Prediction Id", "type": "string"},
        }
    ]


def test_the_components_and_their_order(predict):
    components = document(predict, None)["components"]["schemas"]

    assert list(components) == [
        "Input",
        "Output",
        "fmt",
        "PredictionRequest",
        "PredictionResponse",
        "Status",
        "HTTPValidationError",
        "ValidationError",
    ]
    assert components["PredictionRequest"]["properties"] == {
        "id": {"title": "Id", "type": "string"},
        "input": {"$ref": "#/components/schemas/Input"},
    }
    response = components["PredictionResponse"]["properties"]
    assert response["started_at"]["format"] == "date-time"
    assert response["metrics"] == {"title": "Metrics", "type": "object"}


def test_training_is_merged_in(predict, train):
    """Cog lets one input's choices stand for the other's where their names are equal; we do not."""
    found = document(predict, train)

    assert {"/predictions", "/trainings"} < set(found["paths"])
    components = found["components"]["schemas"]
    assert components["fmt"]["enum"] == ["png", "jpg"]
    reference = components["TrainingInput"]["properties"]["fmt"]["allOf"][0]["$ref"]
    assert components[reference.rpartition("/")[2]]["enum"] == [1, 2]


@pytest.mark.parametrize("name", ["Input", "Output", "Status", "größe"])
def test_choices_do_not_replace_other_components(written, name):
    interface = written(f"def run({name}: str = Input(choices=['a', 'b'])) -> str: ...")

    components = document(interface, None)["components"]

    schema = {"$ref": "#/components/schemas/Input", "components": components}
    assert jsonschema_rs.is_valid(schema, {name: "a"})
    assert not jsonschema_rs.is_valid(schema, {name: "c"})


def test_streaming_is_marked_at_the_path(written):
    marked = written("@streaming\ndef run() -> Iterator[str]: ...")
    quiet = written("def run() -> Iterator[str]: ...")

    assert document(marked, None)["paths"]["/predictions"]["post"]["x-cog-streaming"] is True
    assert "x-cog-streaming" not in document(quiet, None)["paths"]["/predictions"]["post"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("max_new_tokens", "Max New Tokens"),
        ("hf_token", "Hf Token"),
        ("fp8_mode", "Fp8 Mode"),
        ("CFG", "CFG"),
        ("__x", "X"),
    ],
)
def test_titles(name, expected):
    assert title(name) == expected


@pytest.mark.parametrize(
    ("annotation", "default", "said"),
    [
        ("int", "Input(ge=1.0, le=10)", {"minimum": 1, "maximum": 10}),
        ("float", "Input(le=float('inf'))", {}),
        ("str", "Input(min_length=1, max_length=9, regex='^a')",
         {"minLength": 1, "maxLength": 9, "pattern": "^a"}),
        ("str", "Input(description='a' 'b\\n', deprecated=True)",
         {"description": "ab\n", "deprecated": True}),
        ("str", "Input(deprecated=False)", {}),
        ("int", "Input(default=1.0)", {"default": 1}),
        ("Path", "Path('a.png')", {"default": "a.png"}),
        ("E", "E.A", {"default": "a"}),
        ("float", "float('nan')", {}),
        ("set[int]", "{2, 1}", {"default": [1, 2]}),
        ("M", "M()", {"default": {"n": 1}}),
        ("P", "P()", {"default": {"n": 1}}),
        ("Any", "object()", {}),
        ("Any", "{1: numpy.float32(0.5)}", {"default": {"1": 0.5}}),
    ],
)  # fmt: skip
def test_what_input_says_is_documented(property_of, annotation, default, said):
    before = """
        import numpy
        class E(enum.Enum):
            A = "a"
        class M(BaseModel):
            n: int = 1
        class P(pydantic.BaseModel):
            n: int = 1
    """
    structural = {"type", "format", "title", "x-order", "allOf", "items", "properties"}

    found = property_of(annotation, default, before)

    assert {key: value for key, value in found.items() if key not in structural} == said


def test_limits_of_a_list_stand_at_its_items_and_its_length_at_itself(property_of):
    found = property_of("list[int]", "Input(ge=1, max_length=2)")

    assert found["items"] == {"type": "integer", "minimum": 1}
    assert found["maxItems"] == 2


def test_choices_of_a_list_stand_at_its_items(property_of):
    assert property_of("list[str]", "Input(choices=['a', 'b'])")["items"]["enum"] == ["a", "b"]
    assert property_of("list[float]", "Input(choices=[1, 2])")["items"]["type"] == "number"


def test_choices_of_what_may_be_none(property_of):
    assert property_of("Optional[Literal['a']]", "None") == {
        "allOf": [{"$ref": "#/components/schemas/x"}],
        "default": None,
        "nullable": True,
        "x-order": 0,
    }


def test_files_in_a_dict_are_documented(property_of):
    assert property_of("dict[str, Path]")["additionalProperties"]["format"] == "uri"
    assert "additionalProperties" not in property_of("dict[str, int]")
