import pytest

from coghub.cli.media_types import media_type_of, suffix_of


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("cat.png", "image/png"),
        ("CAT.JPG", "image/jpeg"),
        ("a/b.tar.gz", "application/gzip"),
        ("weights", "application/octet-stream"),
        ("weights.xyz", "application/octet-stream"),
    ],
)
def test_a_name_stands_for_a_type(name, media_type):
    assert media_type_of(name) == media_type


@pytest.mark.parametrize(
    ("media_type", "suffix"),
    [
        ("image/jpeg", ".jpg"),
        ("IMAGE/PNG", ".png"),
        ("text/plain; charset=utf-8", ".txt"),
        ("audio/x-wav", ".wav"),
        ("application/octet-stream", ""),
        ("None", ""),
        ("", ""),
    ],
)
def test_a_type_stands_for_a_suffix(media_type, suffix):
    assert suffix_of(media_type) == suffix
