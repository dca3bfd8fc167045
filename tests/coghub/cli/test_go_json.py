import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.cli.go_json import go_json

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_what_is_written_reads_as_the_same_value(value):
    assert json.loads(go_json(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_every_bit(value):
    assert math.isclose(float(go_json(value)), value, rel_tol=0, abs_tol=0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (1.5, "1.5"),
        (1e16, "10000000000000000"),
        (1.2345e19, "12345000000000000000"),
        (1e21, "1e+21"),
        (1e-6, "0.000001"),
        (0.0000012, "0.0000012"),
        (1e-7, "1e-7"),
        (-1.5e-9, "-1.5e-9"),
        (2**70, "1180591620717411303424"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value, text):
    assert go_json(value) == text


def test_html_and_line_separators_are_escaped_and_other_text_is_not():
    assert go_json("<a> & é\u2028\n\x01") == '"\\u003ca\\u003e \\u0026 é\\u2028\\n\\u0001"'


def test_objects_are_indented_with_sorted_keys():
    assert go_json({"b": [1, {}], "a": []}) == '{\n  "a": [],\n  "b": [\n    1,\n    {}\n  ]\n}'


def test_the_outermost_object_may_keep_its_order():
    value = {"status": "x", "output": {"b": 1, "a": 2}}

    text = go_json(value, sort_keys=False)

    assert text == '{\n  "status": "x",\n  "output": {\n    "a": 2,\n    "b": 1\n  }\n}'
