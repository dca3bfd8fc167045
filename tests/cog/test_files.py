"""Files by URL."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog import files
from cog.errors import DownloadError


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.y/a/b%20c.png?x=1#z", "b c.png"),
        ("https://x.y/a%2Fb%00c", "a_b_c"),
        ("https://x.y/", ""),
        ("https://x.y", ""),
        ("data:image/webp;base64,aaaa", "file.webp"),
        ("data:image/jpeg;base64,aaaa", "file.jpg"),
        ("data:,hello", "file.txt"),
        ("data:;base64,aaaa", "file.txt"),
        ("DATA:audio/wav;base64,aaaa", "file.wav"),
        ("data:None;base64,aaaa", "file"),
    ],
)
def test_a_url_has_a_file_name(url: str, name: str) -> None:
    assert files.get_filename(url) == name


@given(st.text(min_size=1).map(lambda name: f"https://x.y/{name}.png"))
def test_a_file_name_can_be_made_on_any_disk(url: str) -> None:
    name = files.get_filename(url)

    assert len(name.encode(errors="replace")) <= files.MAX_NAME_BYTES
    assert "/" not in name
    assert "\0" not in name


def test_a_long_name_is_cut_before_its_suffix() -> None:
    name = files.get_filename(f"https://x.y/{'é' * 300}.png")

    assert name == "é" * 97 + "~.png"


def test_a_long_suffix_is_cut_too() -> None:
    assert len(files.get_filename(f"https://x.y/a.{'b' * 300}")) == files.MAX_NAME_BYTES


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("data:text/plain;base64,aGk=", b"hi"),
        ("data:text/plain;charset=utf-8;base64,aGk%3D", b"hi"),
        ("data:,a%20b", b"a b"),
        ("data:;base64,", b""),
    ],
)
def test_a_data_url_is_decoded(url: str, content: bytes) -> None:
    assert files.open_data_url(url).read() == content


@pytest.mark.parametrize("url", ["data:text/plain", "data:;base64,a"])
def test_a_broken_data_url_is_a_value_error(url: str) -> None:
    with pytest.raises(ValueError, match=r"comma|base64"):
        files.open_data_url(url)


@given(st.binary())
def test_a_data_url_gives_back_what_it_was_made_of(content: bytes) -> None:
    url = files.data_url(content, "image/png")

    assert url.startswith("data:image/png;base64,")
    assert files.open_data_url(url).read() == content


@pytest.mark.parametrize("text", ["http://x", "HTTPS://x", "data:,"])
def test_urls_are_told_from_paths(text: str) -> None:
    assert files.is_url(text)


@pytest.mark.parametrize("text", ["file:///x", "/http://x", "http:x", "", "s3://b/k"])
def test_paths_are_told_from_urls(text: str) -> None:
    assert not files.is_url(text)


def test_a_download_stands_at_its_beginning(website) -> None:
    website.files["/a.txt"] = b"hello"

    with files.download(f"{website.url}/a.txt") as file:
        assert file.read() == b"hello"


def test_a_download_that_breaks_on_the_way_begins_again(website) -> None:
    website.files["/a.txt"], website.breaks["/a.txt"] = b"hello", 1

    with files.download(f"{website.url}/a.txt") as file:
        assert file.read() == b"hello"


def test_half_a_download_is_none(website) -> None:
    website.files["/a.txt"], website.breaks["/a.txt"] = b"hello", 2

    with pytest.raises(DownloadError, match="Could not download"):
        files.download(f"{website.url}/a.txt")


@pytest.mark.parametrize(("variable", "agent"), [("", "coghub"), ("mine/1", "mine/1")])
def test_a_download_says_who_asks(
    website, monkeypatch: pytest.MonkeyPatch, variable: str, agent: str
) -> None:
    monkeypatch.setenv("COG_USER_AGENT", variable)
    website.files["/a"] = b""

    files.download(f"{website.url}/a").close()

    assert website.agents == [agent]


@pytest.mark.parametrize("url", ["{}/missing", "http://127.0.0.1:1/x", "http://[x/"])
def test_a_download_that_fails_names_its_url(website, url: str) -> None:
    url = url.format(website.url)

    with pytest.raises(DownloadError) as caught:
        files.download(url)

    assert f"`{url}`" in str(caught.value)


def test_an_open_file_becomes_a_data_url() -> None:
    file = io.BytesIO(b"hi")
    file.name = "/some/where/a.png"

    assert files.upload_file(file) == "data:image/png;base64,aGk="
    assert files.guess_filename(file) == "a.png"
    assert files.guess_filename(io.BytesIO()) == "file"


def test_uploads_by_the_model_itself_are_refused() -> None:
    with pytest.raises(ValueError, match="output_file_prefix is not supported"):
        files.upload_file(io.BytesIO(), "http://x/")
