"""The page that a model's server shows of itself."""

import json
from html.parser import HTMLParser

import pytest

from cog.server import docs_page


class Reader(HTMLParser):
    """What is on a page: its text, its tags and what they refer to."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.places: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.places += [value for name, value in attrs if name in {"href", "src", "data-path"}]

    def handle_data(self, data) -> None:
        self.text += data


def document(*, component: str = "Input", output: str = "Output", **properties):
    """Return the document of a model with some inputs, all of them required."""
    inputs = {"properties": properties, "required": list(properties), "type": "object"}
    schemas = {component: inputs, output: {"type": "string", "title": "Output"}}
    paths = {"/predictions": {"post": {"summary": "Predict"}}}
    described = {"info": {"title": "Cog"}, "paths": paths, "components": {"schemas": schemas}}
    return json.dumps(described).encode()


def page_of(content: bytes, *, noun: str = "prediction", host: str = "model:5000") -> Reader:
    return Reader(docs_page.render(content, noun=noun, host=host))


def test_it_says_what_an_input_may_be() -> None:
    page = page_of(
        document(
            prompt={"type": "string", "description": "What to draw.", "maxLength": 80},
            steps={"type": "integer", "minimum": 1, "maximum": 50, "default": 4},
            image={"type": "string", "format": "uri"},
            sizes={"type": "array", "items": {"type": "integer"}},
        )
    )

    for said in (
        "What to draw; characters, at most 80",
        "at least 1; at most 50",
        "file (URL or data URI)",
        "list of integer",
        "POST /predictions",
    ):
        assert said in page.text


def test_choices_are_those_of_the_component_that_the_input_refers_to() -> None:
    described = json.loads(document(kind={"allOf": [{"$ref": "#/components/schemas/kind"}]}))
    described["components"]["schemas"]["kind"] = {"enum": ["a", "b"], "type": "string"}

    page = page_of(json.dumps(described).encode())

    assert 'One of "a", "b"' in page.text
    assert '{"input": {"kind": "a"}}' in page.text


def test_inputs_stand_in_the_order_of_the_signature() -> None:
    page = page_of(document(b={"type": "string", "x-order": 1}, a={"type": "string", "x-order": 0}))

    assert '{"input": {"a": "hello", "b": "hello"}}' in page.text


def test_a_server_of_trainings_speaks_of_trainings() -> None:
    content = document(component="TrainingInput", output="TrainingOutput", n={"type": "integer"})

    page = page_of(content, noun="training")

    assert "http://model:5000/trainings" in page.text
    assert "/trainings" in page.places


def test_nothing_that_a_model_says_becomes_part_of_the_page() -> None:
    evil = "</script><script>alert(1)</script><img src=x>"
    plain = page_of(document(a={"type": "string", "description": "x"}))

    page = page_of(document(**{evil: {"type": "string", "description": evil}}))

    assert page.tags == plain.tags
    assert evil in page.text


@pytest.mark.parametrize("host", ["", "a b", "x'; rm -rf ~", '"><script>'])
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    assert "curl -s http://localhost:5000/predictions" in page_of(document(), host=host).text


@pytest.mark.parametrize("content", [b"{}", b'{"components": 3}', b'{"paths": []}'])
def test_a_document_that_lacks_something_makes_a_page_all_the_same(content: bytes) -> None:
    assert "None." in page_of(content).text


def test_it_refers_to_this_server_only() -> None:
    page = page_of(document(a={"type": "string"}))

    assert set(page.places) == {"/openapi.json", "/health-check", "/metrics", "/predictions"}
    assert b"connect-src 'self'" in docs_page.HEADERS
