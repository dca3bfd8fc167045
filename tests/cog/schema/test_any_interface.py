"""Properties of every interface: its document is valid, its valid inputs arrive as annotated."""

import json
import re
import string
from types import SimpleNamespace

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cog import Path, Secret
from cog.errors import InputError
from cog.schema.coercion import arguments
from cog.schema.interface import Interface, Parameter
from cog.schema.openapi import document
from cog.schema.value_types import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Anything,
    ChoiceType,
    DictType,
    Field,
    FileType,
    ListType,
    ModelType,
    NullableType,
    Scalar,
    SecretType,
    StreamType,
    TupleType,
    UnionType,
)

pytestmark = pytest.mark.filterwarnings("ignore")

some = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def made(fields):
    return SimpleNamespace(**fields)


names = st.one_of(
    st.text(string.ascii_letters + "_", min_size=1, max_size=8).filter(str.isidentifier),
    st.sampled_from(["Input", "Output", "Status", "größe", "__x", "TrainingInput"]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
plain_choices = st.lists(
    st.text(max_size=3) | st.integers(-9, 9), min_size=1, max_size=4, unique=True
)
choices = plain_choices.map(lambda values: ChoiceType(tuple(values), tuple(values)))
leaves = st.one_of(
    st.sampled_from([STRING, INTEGER, NUMBER, BOOLEAN, FileType(), SecretType(Secret)]), choices
)


def _composed(inner):
    fields = st.dictionaries(names, inner, max_size=3).map(
        lambda types: tuple(Field(name, one, is_required=True) for name, one in types.items())
    )
    unions = st.lists(
        st.sampled_from([STRING, INTEGER, BOOLEAN, ListType(STRING)]), min_size=2, unique=True
    )
    return st.one_of(
        inner.map(ListType),
        inner.map(DictType),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: TupleType(tuple(items))),
        fields.map(lambda listed: ModelType("Model", listed, made, SimpleNamespace)),
        unions.map(lambda members: UnionType(tuple(members))),
    )


inner_types = st.recursive(leaves, _composed, max_leaves=4)
types = st.one_of(inner_types, inner_types.map(NullableType))
outputs = st.one_of(types, types.map(StreamType), st.just(Anything(is_documented=False)))


def parameters_named(named):
    return tuple(Parameter(name=name, keyword=name, type=one) for name, one in named.items())


def interfaces(mode):
    return st.builds(
        Interface,
        mode=st.just(mode),
        parameters=st.dictionaries(names, types, max_size=4).map(parameters_named),
        output=outputs,
    )


def values(wanted, at, files):
    """Return JSON that suits a type; notes the places of files."""
    return VALUES[type(wanted)](wanted, at, files)


def _file(_wanted, at, files):
    files.append(at)
    return st.just("https://example.com/a")


def _fields(wanted, at, files):
    named = {one.name: values(one.type, (*at, one.name), files) for one in wanted.fields}
    return st.fixed_dictionaries(named)


def _items(items, at, files):
    placed = [values(one, (*at, place), files) for place, one in enumerate(items)]
    return st.tuples(*placed).map(list)


SCALARS = {
    "string": st.text(max_size=5),
    "integer": st.integers() | st.integers(-9, 9).map(float),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-99, 99),
    "boolean": st.booleans(),
}
VALUES = {
    Scalar: lambda wanted, *_: SCALARS[wanted.json_type],
    ChoiceType: lambda wanted, *_: st.sampled_from(wanted.values),
    SecretType: lambda *_: SCALARS["string"],
    FileType: _file,
    ModelType: _fields,
    NullableType: lambda wanted, at, files: values(wanted.type, at, files),
    ListType: lambda wanted, at, files: _items([wanted.items], at, files),
    TupleType: lambda wanted, at, files: _items(wanted.items, at, files),
    DictType: lambda wanted, at, files: st.fixed_dictionaries(
        {"key": values(wanted.values, (*at, "key"), files)}
    ),
    UnionType: lambda wanted, at, _: st.one_of([values(one, at, []) for one in wanted.members]),
}


def is_instance(wanted, value):
    """Tell whether Python got what the type says."""
    return IS_INSTANCE[type(wanted)](wanted, value)


def _is_list(wanted, value):
    return type(value) is list and all(is_instance(wanted.items, item) for item in value)


IS_INSTANCE = {
    Scalar: lambda wanted, value: type(value) is wanted.python,
    ChoiceType: lambda wanted, value: value in wanted.members,
    SecretType: lambda _, value: isinstance(value, Secret),
    FileType: lambda _, value: isinstance(value, Path),
    ModelType: lambda wanted, value: all(
        is_instance(one.type, getattr(value, one.name)) for one in wanted.fields
    ),
    NullableType: lambda wanted, value: value is None or is_instance(wanted.type, value),
    ListType: _is_list,
    TupleType: lambda wanted, value: (
        type(value) is tuple and all(map(is_instance, wanted.items, value))
    ),
    DictType: lambda _, value: type(value) is dict,
    UnionType: lambda wanted, value: any(is_instance(one, value) for one in wanted.members),
}


@some
@given(interfaces("predict") | st.none(), interfaces("train") | st.none())
def test_its_document_is_valid(predict, train):
    found = document(predict, train)

    text = json.dumps(found, allow_nan=False)
    components = found["components"]["schemas"]
    for reference in re.findall(r'"\$ref": "([^"]*)"', text):
        assert reference.removeprefix("#/components/schemas/") in components
    for name, schema in components.items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        assert jsonschema_rs.meta.is_valid(
            {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
        )
    assert components["Status"]["enum"][0] == "starting"


@some
@given(interfaces("predict"), st.data())
def test_its_valid_inputs_pass_the_document_and_arrive_as_annotated(interface, data):
    files = []
    given_input = {
        parameter.name: data.draw(values(parameter.type, (parameter.name,), files))
        for parameter in interface.parameters
        if parameter.is_required or data.draw(st.booleans())
    }
    files = [place for place in files if place[0] in given_input]
    found = document(interface, None)
    validator = jsonschema_rs.Draft202012Validator(
        {"$ref": "#/components/schemas/Input", "components": found["components"]}
    )

    validator.validate(given_input)
    arrived = arguments(interface, given_input, files)

    assert len(arrived) == len(interface.parameters)
    for parameter in interface.parameters:
        assert is_instance(parameter.type, arrived[parameter.name])


@some
@given(interfaces("predict"), st.data())
def test_any_json_arrives_or_is_refused(interface, data):
    given_input = {
        parameter.name: data.draw(json_values | values(parameter.type, (), []))
        for parameter in interface.parameters
    }

    try:
        arguments(interface, given_input)
    except InputError as error:
        name = re.split(r"[.:]", error.message)[0]
        assert name in given_input
