import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.yaml_tree import read_tree
from coghub.cli.trial.yaml_values import flow_of, value_of, yaml_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | TEXTS
KEYS = TEXTS.filter(lambda key: key != "<<" and len(json.dumps(key)) < 100)
VALUES = st.recursive(
    SCALARS, lambda it: st.lists(it, max_size=3) | st.dictionaries(KEYS, it, max_size=3)
)


def read(text):
    return value_of(read_tree(text.encode()))


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_what_is_written_is_read_again(value):
    """As a block at any depth, and on one line."""
    assert read(yaml_of(value)) == value
    assert read("top:\n" + yaml_of([value, value], "  ")) == {"top": [value, value]}
    assert read(flow_of(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("3.10", 3.1),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ('"3"', "3"),
        ("'true'", "true"),
        ("!!str 3", "3"),
        ("yes", "yes"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("2026-11-30", "2026-11-30"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_scalars_have_the_types_of_json(text, value):
    found = read(text)

    assert (found, type(found)) == (value, type(value))


def test_a_plain_text_is_written_without_quotes():
    assert flow_of({"text": "hello world", "no": "yes", "n": "1"}) == (
        '{text: hello world, "no": "yes", "n": "1"}'
    )
