import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.cli.data_url import Content, content_of
from coghub.domain.errors import PredictionFailed


@given(st.binary())
def test_the_bytes_of_a_data_url_come_back(data):
    encoded = base64.b64encode(data).decode()

    assert content_of(f"data:image/png;base64,{encoded}") == Content(data, ".png")


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("data:None;base64,eA==", Content(b"x", "")),
        ("data:application/octet-stream;base64,eA==", Content(b"x", "")),
        ("data:text/plain;charset=utf-8;base64,eA==", Content(b"x", ".txt")),
        ("data:text/plain,a%20b", Content(b"a b", ".txt")),
        ("data:,x", Content(b"x", "")),
        ("data:image/jpeg;base64,", Content(b"", ".jpg")),
    ],
)
def test_every_form_of_data_url_is_read(url, content):
    assert content_of(url) == content


@pytest.mark.parametrize(
    "url", ["cat.png", "data:image/png", "data:image/png;base64,!", "file:///x"]
)
def test_what_is_no_data_url_is_refused(url):
    with pytest.raises(PredictionFailed, match="Failed to decode data URL"):
        content_of(url)


def test_a_link_that_does_not_answer_is_refused():
    with pytest.raises(PredictionFailed, match="Failed to download output"):
        content_of("http://127.0.0.1:1/cat.png")
