"""Files in inputs, however deep the document says that they may stand."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog import BaseModel, File
from cog.errors import InputError
from cog.schema.coercion import arguments
from cog.schema.inspection import interface_of
from cog.schema.interface import Interface, Parameter
from cog.schema.loading import model_of
from cog.schema.openapi import document
from cog.schema.value_types import (
    STRING,
    DictType,
    Field,
    FileType,
    ListType,
    ModelType,
    NullableType,
    Type,
    UnionType,
)
from cog.server.errors import Refusal
from cog.server.file_places import MAX_FILES, FilePlaces
from cog.server.files import with_paths
from cog.server.validation import InputSchema

URI = {"type": "string", "format": "uri"}
TEXT = {"type": "string"}


def places(schema: dict[str, Any], value: Any, **components: Any) -> list[Any]:
    inputs = {"type": "object", "properties": {"x": schema}}
    return [list(it) for it in FilePlaces(inputs, components).find({"x": value})]


def refused(schema: dict[str, Any], value: Any, **components: Any) -> list[str]:
    with pytest.raises(Refusal) as caught:
        places(schema, value, **components)
    assert caught.value.status == 422
    return [it["loc"][2] for it in msgspec.json.decode(caught.value.body)["detail"]]


def listed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def keyed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


PAGE = {"type": "object", "properties": {"scan": URI, "note": TEXT}}


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        (URI, "data:,a", [["x"]]),
        (URI, "DATA:,a", [["x"]]),
        (URI, "HTTPS://b", [["x"]]),
        (URI, None, []),
        (TEXT, "data:,a", []),
        (listed(listed(URI)), [["data:,a"], [], ["http://b", "https://c"]], [0, 2, 2]),
        (keyed(URI), {"a": "data:,a", "b/c": "data:,b"}, ["a", "b/c"]),
        (listed(PAGE), [{"scan": "data:,a", "note": "data:,b", "more": "data:,c"}], [0]),
        (PAGE | {"additionalProperties": URI}, {"more": "data:,a", "note": "data:,b"}, ["more"]),
        ({"anyOf": [URI, listed(URI)], "nullable": True}, ["data:,a"], [0]),
        ({"anyOf": [TEXT, {"oneOf": [listed(PAGE)]}]}, [{"scan": "data:,a"}], [0]),
        ({"allOf": [{"$ref": "#/components/schemas/Page"}]}, {"scan": "data:,a"}, ["scan"]),
    ],
)
def test_urls_are_found_where_the_document_has_files(schema, value, found):
    assert [it[1] if len(it) > 1 else it for it in places(schema, value, Page=PAGE)] == found


@pytest.mark.parametrize(
    ("schema", "value", "at"),
    [
        (listed(listed(URI)), [["data:,a", "/etc/passwd"]], "x/0/1"),
        (keyed(URI), {"a": "file:///etc/passwd"}, "x/a"),
        (listed(PAGE), [{"scan": "/etc/passwd", "note": "/fine"}], "x/0/scan"),
        ({"anyOf": [listed(URI), TEXT]}, ["/etc/passwd"], "x/0"),
        ({"$ref": "#/components/schemas/Page"}, {"scan": ""}, "x/scan"),
    ],
)
def test_what_is_no_url_is_refused_with_its_place(schema, value, at):
    assert refused(schema, value, Page=PAGE) == [at]


@pytest.mark.parametrize("other", [TEXT, {}, {"type": ["string", "null"]}])
def test_text_is_text_where_either_may_stand(other):
    assert places(keyed({"anyOf": [URI, other]}), {"a": "/etc/passwd", "b": "data:,"}) == [
        ["x", "b"]
    ]


def test_a_schema_within_itself_is_followed_as_deep_as_the_value_goes():
    tree = {"type": "object", "properties": {"leaf": URI}}
    tree["properties"]["more"] = {"anyOf": [listed({"$ref": "#/components/schemas/Tree"})] * 3}
    value: dict[str, Any] = {"leaf": "data:,a"}
    for _ in range(60):
        value = {"more": [value]}

    (place,) = places({"$ref": "#/components/schemas/Tree"}, value, Tree=tree)

    assert place == ["x", *["more", 0] * 60, "leaf"]


def test_a_schema_that_is_only_itself_means_nothing():
    loop = {"$ref": "#/components/schemas/Loop"}

    assert places(loop, "data:,a", Loop=loop) == []


def test_a_model_without_files_is_not_looked_through():
    inputs = {"properties": {"a": listed(TEXT), "b": {"anyOf": [TEXT, keyed({})]}}}

    assert not FilePlaces(inputs, {})


def test_files_without_end_are_refused():
    assert refused(listed(URI), ["data:,"] * (MAX_FILES + 1)) == ["__root__"]


def test_paths_are_put_into_a_copy():
    given = {"a": [{"b": "data:,1", "c": [1]}, "data:,2"], "d": {"e": "data:,3"}}
    before = msgspec.json.encode(given)

    found = with_paths(given, {("a", 0, "b"): "/1", ("a", 1): "/2", ("d", "e"): "/3"})

    assert found == {"a": [{"b": "/1", "c": [1]}, "/2"], "d": {"e": "/3"}}
    assert msgspec.json.encode(given) == before


Drawn = tuple[Type, Any, list[tuple[str | int, ...]]]
"""A type, a value of it, and where its files stand."""


class Page(BaseModel):
    """Has pages inside."""

    scan: File | None = None
    pages: "list[Page] | None" = None


def test_a_model_inside_itself_is_checked_at_every_level():
    def run(x: Page, status: Page | None = None) -> str: ...

    written = document(interface_of(model_of(run)), None)
    inputs = InputSchema(written, component="Input", warn=lambda _: None)
    inner = {"scan": "data:,b", "pages": [{"scan": "data:,c"}]}

    checked = inputs.check({"x": {"scan": "data:,a", "pages": [inner]}})

    assert len(checked.files) == 3
    for wrong, place in (("/etc/passwd", "x/pages/0/pages/0/scan"), (3, "x/pages/0/pages/0/scan")):
        inner["pages"] = [{"scan": wrong}]
        with pytest.raises(Refusal) as caught:
            inputs.check({"x": {"scan": "data:,a", "pages": [inner]}})
        (problem,) = msgspec.json.decode(caught.value.body)["detail"]
        assert problem["loc"][2] == place


def test_a_model_inside_itself_without_end_is_refused():
    def run(x: Page) -> str: ...

    interface = interface_of(model_of(run))
    inputs = InputSchema(document(interface, None), component="Input", warn=lambda _: None)
    page: dict[str, Any] = {}
    for _ in range(2000):
        page = {"pages": [page]}

    with pytest.raises(Refusal):
        inputs.check({"x": page})
    with pytest.raises(InputError, match="x: nested too deeply"):
        arguments(interface, {"x": page})


def put_into(inner: st.SearchStrategy[Drawn]) -> st.SearchStrategy[Drawn]:
    def below(key: str | int, drawn: Drawn) -> list[tuple[str | int, ...]]:
        return [(key, *place) for place in drawn[2]]

    def in_model(drawn: dict[str, Drawn]) -> Drawn:
        fields = tuple(Field(name, it[0], is_required=True) for name, it in drawn.items())
        value = {name: it[1] for name, it in drawn.items()}
        found = [place for name, it in drawn.items() for place in below(name, it)]
        return ModelType("M", fields, dict, dict), value, found

    return st.one_of(
        inner.map(lambda it: (ListType(it[0]), [it[1]], below(0, it))),
        inner.map(lambda it: (DictType(it[0]), {"k/": it[1]}, below("k/", it))),
        inner.map(lambda it: (NullableType(it[0]), it[1], it[2])),
        inner.map(lambda it: (NullableType(it[0]), None, [])),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(in_model),
    )


drawn_inputs = st.recursive(
    st.sampled_from(
        [
            (FileType(), "data:,a", [()]),
            (STRING, "data:,a", []),
            (UnionType((FileType(), STRING)), "data:,a", [()]),
            (UnionType((FileType(), STRING)), "/not/a/url", []),
        ]
    ),
    put_into,
    max_leaves=6,
)


@given(drawn_inputs)
def test_every_file_of_every_interface_is_found_and_arrives(drawn):
    """The document is written, the input checked and the paths coerced by three parties."""
    kind, value, expected = drawn
    interface = Interface("predict", (Parameter("x", "x", kind),), STRING)
    inputs = InputSchema(document(interface, None), component="Input", warn=lambda _: None)

    checked = inputs.check({"x": value})

    assert sorted(map(repr, checked.files)) == sorted(repr(("x", *it)) for it in expected)
    fetched = with_paths(checked.input, dict.fromkeys(checked.files, "/tmp/file"))
    assert repr(arguments(interface, fetched, checked.files)).count("/tmp/file") == len(expected)
