"""The headers that name a part of something."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coghub.domain.distribution_errors import RangeUnsatisfiable, UploadInvalid
from coghub.registry.ranges import Span, chunk_span, requested_span

POSITIONS = st.integers(0, 10**18 - 1)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=2-", Span(2, 10)),
        ("bytes=2-99", Span(2, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-99", Span(0, 10)),
        ("Bytes = 1-2", Span(1, 3)),
    ],
)
def test_one_part_of_a_blob_can_be_asked_for(header, span):
    assert requested_span(header, 10) == span


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=1-2,4-5",
        "items=0-1",
        "bytes=+1-2",
        "bytes=٣-4",
    ],
)
def test_what_makes_no_sense_asks_for_the_whole(header):
    assert requested_span(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_part_behind_the_end_is_refused(header):
    with pytest.raises(RangeUnsatisfiable):
        requested_span(header, 10)


@given(st.text(max_size=40) | st.from_regex(r"bytes=[0-9-, ]{0,30}"), st.integers(0, 10**12))
@example("bytes=-0", 0)
def test_any_header_gives_a_part_that_is_there(header, size):
    try:
        span = requested_span(header, size)
    except RangeUnsatisfiable:
        return

    assert span is None or 0 <= span.start < span.end <= size


@given(
    POSITIONS,
    POSITIONS,
    st.sampled_from(["{}-{}", "bytes {}-{}", "bytes {}-{}/*", "bytes={}-{}/9"]),
)
def test_a_chunk_says_where_it_begins_and_ends(first, last, form):
    header = form.format(first, last)

    if last < first:
        with pytest.raises(UploadInvalid):
            chunk_span(header)
    else:
        assert chunk_span(header) == Span(first, last + 1)


@given(st.text(max_size=40))
def test_any_other_text_is_refused(header):
    if re.fullmatch(r"\s*(bytes[ =])?\d+-\d+(/(\d+|\*))?\s*", header, re.ASCII | re.IGNORECASE):
        return

    with pytest.raises(UploadInvalid):
        chunk_span(header)
