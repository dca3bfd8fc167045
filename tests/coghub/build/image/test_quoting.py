"""Texts come through a Dockerfile as they are."""

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from coghub.build.image.quoting import MAX_LINE_CHARACTERS, copied, joined, listed, quoted

BUILDERS_LIMIT_BYTES = 65535
CONTINUED = re.compile(r"(?<=[^\\])\\[ \t]*$")
"""As BuildKit finds a line that goes on: a backslash at its end with no other before it."""


def instruction(text: str) -> str:
    """Return the first instruction of a Dockerfile as one line, as builders read it."""
    whole = ""
    for number, line in enumerate(text.split("\n")):
        assert len(line.encode()) < BUILDERS_LIMIT_BYTES
        if number and (not line.strip() or line.lstrip().startswith("#")):
            continue
        whole += CONTINUED.sub("", line)
        if not CONTINUED.search(line):
            return whole
    return whole


def unquoted(word: str) -> str:
    """Return what a word in double quotes stands for; no variable may be in it."""
    assert word[0] == word[-1] == '"'
    assert re.fullmatch(r'([^"\\$]|\\["\\$])*', word[1:-1])
    return re.sub(r'\\(["\\$])', r"\1", word[1:-1])


one_line = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))


@given(one_line)
@example("a b \"q\" $HOME ${X:-y} \\ \\\\ 't' `d` # \\")
@example("\\n\\\n".replace("\n", "") * 3)
def test_a_quoted_text_stands_for_itself(text):
    line = instruction(f"ENV NAME={quoted(text)}")

    assert unquoted(line.removeprefix("ENV NAME=")) == text


@given(st.dictionaries(one_line, one_line), st.sampled_from([1, 500]))
def test_a_document_longer_than_a_line_may_be_goes_on_in_the_next(document, repeated):
    text = json.dumps([document, "x" * 100] * repeated, ensure_ascii=False)

    line = instruction(f"LABEL a={quoted(text)}")

    assert unquoted(line.removeprefix("LABEL a=")) == text


def test_a_short_text_is_one_line():
    assert quoted('say "hi"') == '"say \\"hi\\""'
    assert "\n" not in quoted("a" * MAX_LINE_CHARACTERS)
    assert "\n" in quoted("a" * (MAX_LINE_CHARACTERS + 1))


def test_a_copied_path_is_no_pattern_and_names_no_variable():
    assert copied("./a.bin", "/src/a.bin") == 'COPY ["./a.bin", "/src/a.bin"]'
    assert copied("./w [1] $x 'q.bin", "/t") == ('COPY ["./w [[]1] \\\\$x \\\\\'q.bin", "/t"]')


def test_commands_stop_at_the_first_that_fails():
    assert joined(["a", "b"]) == "a \\\n    && b"


def test_words_that_reach_no_shell_are_json():
    assert listed(["python", "-m", 'a"b']) == '["python", "-m", "a\\"b"]'
