import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.cli.input_text import inputs_of_flags, inputs_of_json
from coghub.domain.errors import InputInvalid

PROPERTIES = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "scale": {"type": "number"},
    "flag": {"type": "boolean"},
    "options": {"type": "object"},
    "numbers": {"type": "array", "items": {"type": "integer"}},
    "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
    "image": {"type": "string", "format": "uri"},
    "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    "lists": {
        "anyOf": [
            {"type": "array", "items": {"type": "integer"}},
            {"type": "array", "items": {"type": "number"}},
        ]
    },
}


def values(*flags):
    return inputs_of_flags(flags, PROPERTIES).values


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("text=hello", "hello"),
        ("text=a=b=c", "a=b=c"),
        ("text=", ""),
        ('text="quoted"', "quoted"),
        ('text=""twice""', '"twice"'),
        ('text="', '"'),
        ("text=5", "5"),
        ("text=true", "true"),
        ("count=5", 5),
        ("count=-12", -12),
        ("count=4294967296", 2**32),
        ("count=9223372036854775808", 2**63),
        ("count=5.5", "5.5"),
        ("count=five", "five"),
        ("scale=2", 2),
        ("scale=0.1", 0.1),
        ("scale=1.00000001", 1.00000001),
        ("scale=1e3", 1000.0),
        ("scale=9007199254740993", 2**53 + 1),
        ("scale=1e999", "1e999"),
        ("scale=nan", "nan"),
        ("scale=1_000", "1_000"),
        ("flag=true", True),
        ("flag=false", False),
        ("flag=True", "True"),
        ("flag=1", "1"),
        ('options={"a": 1}', {"a": 1}),
        ("options=[1]", "[1]"),
        ("options=plain", "plain"),
        ("numbers=[1, 2]", [1, 2]),
        ("numbers=3", [3]),
        ("numbers=x", ["x"]),
        ("either=true", "true"),
        ("either=5", 5),
        ("either=0.5", 0.5),
        ("either=abc", "abc"),
        ("lists=[1.5]", [1.5]),
        ("lists=1.5", [1.5]),
        ("unknown=5", "5"),
    ],
)
def test_a_flag_is_read_as_the_schema_says(flag, value):
    name = flag.partition("=")[0]
    found = values(flag)[name]

    assert found == value
    assert type(found) is type(value)


def test_a_repeated_flag_makes_a_list_of_coerced_items():
    assert values("numbers=1", "numbers=2") == {"numbers": [1, 2]}


def test_a_repeated_flag_of_a_plain_input_is_a_list_for_the_check_to_refuse():
    assert values("text=a", "text=b") == {"text": ["a", "b"]}


@given(st.integers())
def test_integers_of_any_size_keep_every_digit(number):
    assert values(f"count={number}") == {"count": number}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_the_precision_of_a_double(number):
    assert values(f"scale={number!r}") == {"scale": number}


@given(st.text().filter(lambda text: not text.startswith(("@", '"'))))
def test_text_arrives_as_it_was_typed(text):
    assert values(f"text={text}") == {"text": text}


@given(st.lists(st.text(st.characters()), max_size=3))
def test_no_flag_makes_the_parser_fail_but_with_its_own_error(flags):
    try:
        inputs_of_flags(flags, PROPERTIES)
    except InputInvalid as error:
        assert error.message  # noqa: PT017 - the claim is that no other error comes


def test_text_that_is_no_unicode_is_refused():
    with pytest.raises(InputInvalid, match='input "text" is not valid UTF-8'):
        values("text=\udcff")


def test_a_flag_without_an_equals_sign_is_refused():
    with pytest.raises(InputInvalid) as refused:
        values("text")

    assert refused.value.message == "Failed to parse input 'text', expected format is 'name=value'"


def test_a_file_is_noted_with_its_place_and_type(tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")

    inputs = inputs_of_flags([f"images=@{photo}", f"images=@{photo}"], PROPERTIES)

    assert inputs.values == {"images": ["data:image/jpeg;base64,"] * 2}
    assert [(file.at, file.path) for file in inputs.files] == [
        (("images", 0), photo),
        (("images", 1), photo),
    ]


def test_a_file_may_be_given_to_an_input_of_any_type(tmp_path):
    note = tmp_path / "note.unknown"
    note.write_bytes(b"x")

    inputs = inputs_of_flags([f"text=@{note}"], PROPERTIES)

    assert inputs.values == {"text": "data:application/octet-stream;base64,"}


def test_the_tilde_of_a_path_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "cat.png").write_bytes(b"x")

    inputs = inputs_of_flags(["image=@~/cat.png"], PROPERTIES)

    assert inputs.files[0].path == tmp_path / "cat.png"


def test_a_missing_file_is_refused_before_anything_starts(tmp_path):
    missing = tmp_path / "missing.jpg"

    with pytest.raises(InputInvalid) as refused:
        values(f"image=@{missing}")

    assert refused.value.message == f'input "image": open {missing}: no such file or directory'


def test_json_inputs_are_taken_as_they_are():
    text = '{"count": 9007199254740993, "nested": {"file": "@not-read"}, "list": ["@not-read"]}'

    assert inputs_of_json(text).values == json.loads(text)


def test_a_json_string_at_the_top_level_may_be_a_file(tmp_path):
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"x")

    inputs = inputs_of_json(json.dumps({"sound": f"@{sound}"}))

    assert inputs.values == {"sound": "data:audio/wav;base64,"}
    assert inputs.files[0].path == sound


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "5", '{"a": NaN}', '{"a": Infinity}', "[" * 10**5]
)
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(InputInvalid, match=r"^Failed to parse JSON: "):
        inputs_of_json(text)


def test_a_pipe_is_not_opened_before_it_is_read(tmp_path):
    """Who writes into it waits for a reader, and would be gone when the real one comes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    inputs = inputs_of_flags([f"text=@{pipe}"], {})

    assert [file.path for file in inputs.files] == [pipe]
