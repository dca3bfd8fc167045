"""Names and contents of input and output files."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.files import MAX_NAME_BYTES
from cog.server.errors import InputFileError
from cog.server.files import decode_data_url, name_in_url


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/a/b.png", "b.png"),
        ("https://x/some%20file.tar.gz?sig=a/b", "some file.tar.gz"),
        ("https://x/a%2Fb%00c.txt", "a_b_c.txt"),
        ("https://x/", ""),
        ("https://x", ""),
        ("https://x/" + "n" * 300 + ".jpeg", "n" * 194 + "~.jpeg"),
    ],
)
def test_a_url_names_its_file(url, name):
    assert name_in_url(url) == name


@given(st.text())
def test_every_name_fits_a_file_system(path):
    name = name_in_url(f"https://host/{path}")

    assert len(name.encode()) <= MAX_NAME_BYTES
    assert "/" not in name
    assert "\0" not in name


@pytest.mark.parametrize(
    ("url", "name", "content"),
    [
        ("data:text/plain;charset=utf-8;base64,aGk=", "file.txt", b"hi"),
        ("data:image/webp;base64,aGk=", "file.webp", b"hi"),
        ("data:audio/x-wav;base64,aGk=", "file.wav", b"hi"),
        ("DATA:,a%20b", "file.txt", b"a b"),
        ("data:application/x-unheard-of,x", "file", b"x"),
        ("data:image/png;base64,", "file.png", b""),
    ],
)
def test_a_data_url_has_a_name_and_a_content(url, name, content):
    assert decode_data_url(url) == (name, content)


@pytest.mark.parametrize("url", ["data:text/plain;base64,aGk", "data:text/plain;base64", "data:,é"])
def test_a_malformed_data_url_is_refused(url):
    with pytest.raises(InputFileError):
        decode_data_url(url)


@given(st.binary(), st.sampled_from(["", ";base64"]))
def test_any_content_survives_a_data_url(content, encoding):
    escaped = "".join(f"%{it:02x}" for it in content)
    body = base64.b64encode(content).decode() if encoding else escaped

    assert decode_data_url(f"data:application/octet-stream{encoding},{body}")[1] == content
