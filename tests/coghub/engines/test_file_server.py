import urllib.error
import urllib.request

import pytest

from coghub.engines.file_server import FileServer


@pytest.fixture
def files():
    server = FileServer()
    yield server
    server.close()


def read(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def test_a_named_file_is_served_under_its_own_name(files, tmp_path):
    path = tmp_path / "a cat & co.png"
    path.write_bytes(b"pixels")

    url = files.url_of(path)

    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/a%20cat%20%26%20co.png")
    assert read(url) == b"pixels"


def test_nothing_else_is_served(files, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"pixels")
    base = files.url_of(path).rpartition("/")[0]

    for url in (base, f"{base}/b.png", f"{base}/../../../etc/passwd", base.rpartition("/")[0]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            read(url)
        assert refused.value.code == 404
        refused.value.close()


def test_each_file_has_an_address_of_its_own(files, tmp_path):
    path = tmp_path / "a.png"

    assert files.url_of(path) != files.url_of(path)
