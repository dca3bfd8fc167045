"""Secret inputs go out of what is shown, at any depth, and come back unchanged."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from coghub.database.encryption import Box
from coghub.domain.errors import KeyFileInvalid
from coghub.predictions.secrets import values_of, with_secrets, without_secrets

BOX = Box(Fernet.generate_key())
SECRET = {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}
TEXT = {"type": "string"}
LOGIN = {"type": "object", "properties": {"user": TEXT, "password": SECRET}}


def document(**properties):
    return {"components": {"schemas": {"Input": {"type": "object", "properties": properties}}}}


def shown_and_back(schema, inputs):
    shown, sealed = without_secrets(schema, inputs, BOX)
    assert with_secrets(shown, sealed, BOX) == inputs
    return shown, sealed


def test_a_secret_is_replaced_and_the_rest_is_not():
    schema = document(key=SECRET, text=TEXT)

    shown, sealed = shown_and_back(schema, {"key": "sesame", "text": "sesame"})

    assert shown == {"key": "[REDACTED]", "text": "sesame"}
    assert sealed is not None
    assert b"sesame" not in sealed


def test_an_input_without_secrets_seals_nothing():
    assert shown_and_back(document(key=SECRET, text=TEXT), {"text": "a"}) == ({"text": "a"}, None)


def test_null_is_no_secret():
    schema = document(key={**SECRET, "nullable": True})

    assert shown_and_back(schema, {"key": None}) == ({"key": None}, None)


@pytest.mark.parametrize("word", [{"x-cog-secret": True}, {"format": "password"}])
def test_either_word_makes_a_secret(word):
    shown, _ = shown_and_back(document(key={**TEXT, **word}), {"key": "sesame"})

    assert shown == {"key": "[REDACTED]"}


def test_secrets_in_lists_and_objects_are_found():
    schema = document(
        keys={"type": "array", "items": SECRET},
        logins={"type": "array", "items": LOGIN},
        by_name={"type": "object", "additionalProperties": SECRET},
    )
    inputs = {
        "keys": ["one1", "two2"],
        "logins": [{"user": "ada", "password": "three"}, {"user": "bob", "password": "four"}],
        "by_name": {"a": "five", "b": "sixx"},
    }

    shown, sealed = shown_and_back(schema, inputs)

    assert shown == {
        "keys": ["[REDACTED]"] * 2,
        "logins": [
            {"user": "ada", "password": "[REDACTED]"},
            {"user": "bob", "password": "[REDACTED]"},
        ],
        "by_name": {"a": "[REDACTED]", "b": "[REDACTED]"},
    }
    assert values_of(sealed, BOX) == ["one1", "two2", "three", "four", "five", "sixx"]


def test_the_given_input_stays_as_it_is():
    inputs = {"login": {"user": "ada", "password": "sesame"}}

    without_secrets(document(login=LOGIN), inputs, BOX)

    assert inputs == {"login": {"user": "ada", "password": "sesame"}}


@pytest.mark.parametrize("word", ["anyOf", "allOf", "oneOf"])
def test_a_value_that_may_be_secret_is_one(word):
    schema = document(key={word: [TEXT, SECRET]}, login={word: [LOGIN, SECRET]})
    inputs = {"key": "sesame", "login": {"user": "ada", "password": "sesame"}}

    shown, _ = shown_and_back(schema, inputs)

    assert shown == {"key": "[REDACTED]", "login": "[REDACTED]"}


def test_references_are_followed():
    schema = document(login={"allOf": [{"$ref": "#/components/schemas/Login"}]})
    schema["components"]["schemas"]["Login"] = LOGIN

    shown, _ = shown_and_back(schema, {"login": {"user": "ada", "password": "sesame"}})

    assert shown == {"login": {"user": "ada", "password": "[REDACTED]"}}


def test_a_schema_that_refers_to_itself_comes_to_an_end():
    tree = {"allOf": [{"$ref": "#/components/schemas/Tree"}] * 3, "properties": {"key": SECRET}}
    tree["properties"]["left"] = {"$ref": "#/components/schemas/Tree"}
    schema = document(tree={"$ref": "#/components/schemas/Tree"})
    schema["components"]["schemas"]["Tree"] = tree

    shown, _ = shown_and_back(schema, {"tree": {"left": {"left": {"key": "sesame"}}}})

    assert shown == {"tree": {"left": {"left": {"key": "[REDACTED]"}}}}


def test_a_value_that_looks_redacted_stays_what_it_is():
    shown, sealed = shown_and_back(
        document(key=SECRET, text=TEXT), {"key": "[REDACTED]", "text": "[REDACTED]"}
    )

    assert shown == {"key": "[REDACTED]", "text": "[REDACTED]"}
    assert values_of(sealed, BOX) == ["[REDACTED]"]


def test_an_input_that_is_secret_as_a_whole_shows_its_names_only():
    schema = {"components": {"schemas": {"Input": {"format": "password"}}}}

    assert shown_and_back(schema, {"a": 1, "b": [2]})[0] == {"a": "[REDACTED]", "b": "[REDACTED]"}


def test_another_key_opens_nothing():
    _, sealed = without_secrets(document(key=SECRET), {"key": "sesame"}, BOX)

    with pytest.raises(KeyFileInvalid):
        with_secrets({"key": "[REDACTED]"}, sealed, Box(Fernet.generate_key()))


words = st.sampled_from(
    ["components", "schemas", "Input", "properties", "items", "anyOf", "$ref", "format", "key"]
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["password", "#/key", "x"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)


@given(anything, st.dictionaries(words, anything, max_size=4))
def test_no_schema_breaks_it(schema, inputs):
    document = {"components": {"schemas": {"Input": schema}}, "key": schema}

    shown_and_back(document, inputs)
