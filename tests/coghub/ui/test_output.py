"""Outputs of any shape become blocks; nothing in them is taken for more than it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.ui.output import DATA_URI, MAX_ITEMS, MAX_TREE_NODES, Kind, blocks_of, file_at
from coghub.ui.templates import environment

STREAM = {
    "components": {"schemas": {"Output": {"type": "array", "x-cog-array-display": "concatenate"}}}
}


def file_of(text):
    is_ours = text.startswith("/files/") or DATA_URI.match(text) is not None
    return file_at(text, is_ours=is_ours) if is_ours or text.startswith("https://") else None


def kinds(output, document=STREAM | {"components": {}}):
    return [block.kind for block in blocks_of(output, document, file_of)]


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (None, []),
        ("a text", [Kind.TEXT]),
        ("", [Kind.TEXT]),
        (3, [Kind.TEXT]),
        (False, [Kind.TEXT]),
        ("/files/k/a.png", [Kind.IMAGES]),
        (["/files/k/a.png", "/files/k/b.webp"], [Kind.IMAGES]),
        (["/files/k/a.png", "/files/k/b.mp3"], [Kind.IMAGES, Kind.AUDIO]),
        ("/files/k/a.mp4", [Kind.VIDEO]),
        ("/files/k/a.html", [Kind.FILE]),
        ("/files/k/a.zip", [Kind.FILE]),
        ("https://other.example/a.png", [Kind.FILE]),
        ("data:image/png;base64,AA==", [Kind.IMAGES]),
        ("data:text/html,<script>", [Kind.FILE]),
        ("data: a, b", [Kind.TEXT]),
        ([{"a": 1}, {"a": 2, "b": "x"}], [Kind.TABLE]),
        ([{"a": {"b": 1}}], [Kind.TREE]),
        ([1, 2], [Kind.TREE]),
        ([], [Kind.TREE]),
        ({"image": "/files/k/a.png", "n": 1}, [Kind.FIELDS]),
    ],
)
def test_each_kind_of_output_is_shown_in_its_way(output, wanted):
    assert kinds(output) == wanted


def test_the_pieces_of_a_text_are_one_text():
    (block,) = blocks_of(["a ", "b"], STREAM, file_of)

    assert (block.kind, block.text) == (Kind.TEXT, "a b")


@pytest.mark.parametrize("text", ["# Title\n", "a **bold** word", "- one\n- two", "|a|b|\n|-|-|"])
def test_markdown_is_shown_as_such(text):
    assert blocks_of(text, {}, file_of)[0].markdown


@pytest.mark.parametrize("text", ["plain", "2 * 3 * 4", "- a dash", "a_b_c", "#hash"])
def test_plain_text_is_not_taken_for_markdown(text):
    assert blocks_of(text, {}, file_of)[0].markdown is None


def test_long_lists_are_cut_and_say_so():
    (table,) = blocks_of([{"a": 1}] * (MAX_ITEMS + 7), {}, file_of)
    (tree,) = blocks_of([[number] for number in range(MAX_TREE_NODES)], {}, file_of)

    assert (len(table.rows), table.left_out) == (MAX_ITEMS, 7)
    assert tree.left_out


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.just("/files/k/a.png"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_every_output_can_be_drawn_and_holds_no_live_markup(output):
    template = environment().from_string(
        '{% from "output.html" import blocks as show %}{{ show(blocks) }}'
    )
    named = {"<script>alert(1)</script>": output, "b": ['"><img src=x onerror=alert(1)>', output]}

    html = template.render(blocks=blocks_of(named, {}, file_of))

    assert "<script" not in html
    assert "<img src=x" not in html
