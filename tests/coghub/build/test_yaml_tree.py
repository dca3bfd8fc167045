"""YAML as a tree of source texts, also when someone means harm."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.yaml_tree import (
    MAX_BYTES,
    Mapping,
    Scalar,
    Sequence,
    YAMLInvalid,
    json_of,
    read_tree,
)


def value_of(text: str) -> object:
    return json_of(read_tree(text.encode()))


def test_a_scalar_keeps_its_source_text() -> None:
    assert value_of("python_version: 3.10\ncuda: 12.10\nquoted: '3.10'") == {
        "python_version": "3.10",
        "cuda": "12.10",
        "quoted": "3.10",
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\n\n"])
def test_an_empty_document_says_nothing(text: str) -> None:
    tree = read_tree(text.encode())

    assert tree is None or (isinstance(tree, Scalar) and tree.is_null)


@pytest.mark.parametrize("null", ["", "~", "null", "NULL"])
def test_nulls_are_told_from_texts(null: str) -> None:
    assert value_of(f"key: {null}") == {"key": None}
    assert value_of(f"key: '{null}'") == {"key": null}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_byte_order_mark_says_the_encoding(encoding: str) -> None:
    assert json_of(read_tree("name: schön".encode(encoding))) == {"name": "schön"}


def test_windows_line_ends_are_line_ends() -> None:
    assert value_of("a: 1\r\nb:\r\n  - 2\r\n") == {"a": "1", "b": ["2"]}


def test_only_the_first_document_counts() -> None:
    assert value_of("a: 1\n---\nb: 2\n") == {"a": "1"}


def test_aliases_and_merge_keys_are_resolved_and_own_keys_win() -> None:
    text = "base: &base {a: 1, b: 2}\nmore: &more {c: 3}\nown: {<<: [*base, *more], b: 9}\n"

    tree = read_tree(text.encode())

    assert isinstance(tree, Mapping)
    assert json_of(tree.entries["own"]) == {"a": "1", "b": "9", "c": "3"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2\n", 'mapping key "a" already defined at line 1'),
        ("a: *nowhere\n", "unknown anchor 'nowhere' referenced"),
        ("&a [*a]", "anchor 'a' value contains itself"),
        ("[" * 100_000, "nested deeper than 64 levels"),
        ("{a: " * 100_000, "nested deeper than 64 levels"),
        ("a: [1, 2\n", "line 2: "),
        ("\ta: 1\n", "line 1: "),
        ("? [a, b]\n: 1\n", "a key must be a plain text"),
        ("a: \x07\n", "control characters are not allowed"),
        ("x: " + "y" * MAX_BYTES, "larger than 1024 KiB"),
        ("- a\n" * 60_000, "more than 50000 values"),
    ],
)
def test_what_is_no_yaml_or_hostile_is_one_line(text: str, reason: str) -> None:
    with pytest.raises(YAMLInvalid) as caught:
        read_tree(text.encode())

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_billion_laughs_stay_a_few() -> None:
    """Aliases point at one node each; only who asks for all of it is refused."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]

    tree = read_tree("\n".join(lines).encode())

    with pytest.raises(YAMLInvalid, match="more than 50000 values"):
        json_of(tree)


def test_merging_one_mapping_ten_thousand_times_is_refused() -> None:
    keys = ", ".join(f"k{n}: 1" for n in range(100))
    merges = "\n".join(f"m{n}: {{<<: *big}}" for n in range(1000))

    with pytest.raises(YAMLInvalid, match="more than 50000 values"):
        read_tree(f"big: &big {{{keys}}}\n{merges}".encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(YAMLInvalid, match="not utf-8 text at byte 3"):
        read_tree(b"a: \xff\xfe\xfa")


@given(st.binary(max_size=200))
def test_no_bytes_make_it_crash(content: bytes) -> None:
    with suppress(YAMLInvalid):
        tree = read_tree(content)
        assert tree is None or isinstance(tree, Scalar | Sequence | Mapping)
