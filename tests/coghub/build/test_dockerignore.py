"""Docker's rules for what stays out of a build."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.dockerignore import read_dockerignore
from coghub.domain.errors import ProjectUnreadable


def left_out(text: str, *paths: str) -> list[str]:
    ignored = read_dockerignore(text)
    return [path for path in paths if ignored.matches(path)]


@pytest.mark.parametrize(
    ("pattern", "out", "kept"),
    [
        ("temp", ["temp", "temp/a", "temp/a/b"], ["temp2", "a/temp"]),
        ("*/temp*", ["a/temp", "a/temporary.txt", "a/temp/b"], ["temp", "a/b/temp"]),
        ("*/*/temp*", ["a/b/temp"], ["a/temp"]),
        ("temp?", ["tempa"], ["temp", "tempab", "temp/"]),
        ("**/*.go", ["a.go", "a/b/c.go"], ["a.gop"]),
        ("**/weights", ["weights", "a/weights/x"], ["a/weights2"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["ab"]),
        ("*.md", ["README.md"], ["docs/README.md"]),
        ("/foo/", ["foo", "foo/bar"], ["a/foo"]),
        ("./foo/../bar", ["bar"], ["foo"]),
        ("[a-c].txt", ["a.txt", "c.txt"], ["d.txt"]),
        ("[^a-c].txt", ["d.txt"], ["a.txt"]),
        (r"\*.txt", ["*.txt"], ["a.txt"]),
        ("a.b", ["a.b"], ["axb"]),
        ("(x)+", ["(x)+"], ["x", "xx"]),
        ("*", ["a", "a/b", ".x"], []),
        ("  spaced  ", ["spaced"], ["  spaced  "]),
        ("[", ["["], ["a"]),
    ],
)
def test_a_pattern_means_what_docker_says(pattern: str, out: list[str], kept: list[str]) -> None:
    assert left_out(pattern, *out, *kept) == out


def test_comments_blanks_and_the_root_say_nothing() -> None:
    assert left_out("\ufeff# a\n\n.\n/\n!\n", "a", "# a") == []


def test_a_byte_order_mark_is_no_part_of_a_pattern() -> None:
    assert left_out("\ufeffa\n", "a") == ["a"]


def test_the_last_pattern_that_matches_decides() -> None:
    text = "*.md\n!README*.md\nREADME-secret.md\n"

    assert left_out(text, "a.md", "README.md", "README-secret.md") == ["a.md", "README-secret.md"]


def test_an_exception_brings_back_what_is_below_a_folder() -> None:
    text = "data\n!data/small\n"

    assert left_out(text, "data", "data/big", "data/small", "data/small/x") == ["data", "data/big"]


def test_a_set_that_is_none_is_named() -> None:
    with pytest.raises(ProjectUnreadable, match=r"Not a pattern in \.dockerignore: "):
        read_dockerignore("[z-a]")


names = st.text(st.sampled_from("ab.-_ *?[]\\!#{}()+^$|"), min_size=1, max_size=8)


@given(st.lists(names, min_size=1, max_size=4))
def test_a_literal_path_escaped_leaves_out_itself_and_what_is_below(parts: list[str]) -> None:
    path = "/".join(f"x{part}x" for part in parts)
    pattern = "".join(
        f"\\{character}" if character in "*?[]\\" else character for character in path
    )

    assert left_out(pattern, path, f"{path}/below", f"other/{path}") == [path, f"{path}/below"]


@given(st.text(max_size=60), st.text(st.characters(exclude_characters="/"), min_size=1))
def test_no_text_makes_it_crash(text: str, path: str) -> None:
    try:
        ignored = read_dockerignore(text)
    except ProjectUnreadable:
        return
    assert ignored.matches(path) in {True, False}
