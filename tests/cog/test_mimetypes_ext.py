"""MIME types that do not depend on the machine."""

import mimetypes

import pytest

from cog import mimetypes_ext


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("a.webp", "image/webp"),
        ("A.PNG", "image/png"),
        ("a.wav", "audio/wav"),
        ("a.tar.gz", "application/gzip"),
        ("a.tar.xz", "application/x-xz"),
        ("a.tar.xyz", "application/octet-stream"),
        ("model.pt", "application/octet-stream"),
        ("a.srt", "application/x-subrip"),
        ("data:,a.png", "image/png"),
        ("a.glb", "model/gltf-binary"),
        ("a.css", "text/css"),
        ("a.nonsense", "application/octet-stream"),
        ("no suffix", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_is_known_by_its_name(name: str, mime_type: str) -> None:
    assert mimetypes_ext.type_of(name) == mime_type


@pytest.mark.parametrize(
    ("mime_type", "extension"),
    [
        ("image/jpeg", ".jpg"),
        ("image/JPG", ".jpg"),
        ("audio/x-wav", ".wav"),
        ("text/plain; charset=utf-8", ".txt"),
        ("text/css", ".css"),
        ("application/octet-stream", ".bin"),
        ("foo", ""),
        ("", ""),
    ],
)
def test_the_extension_of_a_type_is_the_usual_one(mime_type: str, extension: str) -> None:
    assert mimetypes_ext.extension_of(mime_type) == extension


def test_a_models_own_guesses_agree() -> None:
    mimetypes_ext.install()

    for mime_type, extensions in mimetypes_ext.EXTENSIONS.items():
        for extension in extensions:
            assert mimetypes_ext.type_of(f"x{extension}") == mime_type
            if extension not in {*mimetypes.encodings_map, *mimetypes.suffix_map}:
                assert mimetypes.guess_type(f"x{extension}")[0] == mime_type


def test_no_extension_has_two_types() -> None:
    listed = [extension for several in mimetypes_ext.EXTENSIONS.values() for extension in several]

    assert len(listed) == len(set(listed))
