"""Outputs as JSON and files."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cog
from cog.errors import OutputError
from cog.output import Encoded, encode
from cog.worker.messages import OutputFile

Encode = Callable[..., Encoded]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder where files are made."""
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    path = tmp_path / "hello.txt"
    path.write_bytes(b"hello")
    return path


def contents(encoded: Encoded) -> list[bytes]:
    return [Path(file.path).read_bytes() for file in encoded.files]


@pytest.mark.parametrize("kind", [cog.Path, Path], ids=["cog", "pathlib"])
def test_a_path_is_a_file(made: Path, hello: Path, kind: type) -> None:
    encoded = encode(kind(hello), directory=str(made))

    assert encoded == Encoded(None, [OutputFile([], str(hello), "hello.txt")])


def test_files_are_found_wherever_they_stand(made: Path, hello: Path) -> None:
    class Result(cog.BaseModel):
        image: cog.Path
        more: dict[str, Any]

    value = [Result(cog.Path(hello), {"x": [1, (hello,)]}), hello]

    encoded = encode(value, directory=str(made))

    assert encoded.value == [{"image": None, "more": {"x": [1, [None]]}}, None]
    assert [file.at for file in encoded.files] == [[0, "image"], [0, "more", "x", 1, 0], [1]]


def test_a_relative_path_is_made_absolute(
    made: Path, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hello.parent)

    assert encode(cog.Path("hello.txt"), directory=str(made)).files[0].path == str(hello)


@pytest.mark.parametrize(
    "wrap", [lambda path: path, lambda path: {"a": [path]}], ids=["alone", "inside"]
)
def test_a_missing_file_is_one_clear_error(made: Path, tmp_path: Path, wrap) -> None:
    missing = tmp_path / "nope.png"

    with pytest.raises(OutputError, match=f"^Output file does not exist: {missing}$"):
        encode(wrap(missing), directory=str(made))


def test_a_folder_is_no_file(made: Path) -> None:
    with pytest.raises(OutputError, match=f"^Output is a folder, not a file: {made}$"):
        encode(made, directory=str(made))


def test_a_file_behind_a_url_is_fetched(made: Path) -> None:
    path = cog.Path.validate("data:text/plain;base64,aGVsbG8=")

    encoded = encode(path, directory=str(made))

    assert encoded.files[0].name == "file.txt"
    assert contents(encoded) == [b"hello"]
    path.unlink()


def test_a_text_is_a_path_where_the_annotation_says_so(made: Path, hello: Path) -> None:
    assert encode([str(hello)], directory=str(made), is_path=True).files[0].path == str(hello)
    assert encode(str(hello), directory=str(made)).value == str(hello)
    with pytest.raises(OutputError, match="Output file does not exist"):
        encode("nope.png", directory=str(made), is_path=True)


def test_a_text_is_text_where_the_annotation_says_that_too(made: Path, hello: Path) -> None:
    options = {"directory": str(made), "is_path": True, "is_text": True}

    assert encode(str(hello), **options) == Encoded(str(hello))
    assert encode(hello, **options).files[0].path == str(hello)
    assert contents(encode(b"hello", **options)) == [b"hello"]


@pytest.mark.parametrize("url", ["https://x/y.png", "data:,a"])
def test_a_url_stays_a_url(made: Path, url: str) -> None:
    assert encode(url, directory=str(made), is_path=True) == Encoded(url)


def test_files_are_copied_when_their_code_goes_on(made: Path, hello: Path) -> None:
    """A generator that overwrites one file for each item yields different items."""
    encoded = encode(hello, directory=str(made), copy_files=True)

    hello.write_bytes(b"overwritten")

    (file,) = encoded.files
    assert (file.name, file.is_temporary) == ("hello.txt", True)
    assert Path(file.path).parent == made
    assert Path(file.path).suffix == ".txt"
    assert contents(encoded) == [b"hello"]


@pytest.mark.parametrize("position", [0, 2, 5])
def test_an_open_file_is_read_from_its_beginning(made: Path, position: int) -> None:
    file = io.BytesIO(b"hello")
    file.seek(position)

    encoded = encode({"a": file}, directory=str(made))

    assert contents(encoded) == [b"hello"]
    assert encoded.value == {"a": None}
    assert encoded.files[0].is_temporary
    assert encoded.files[0].name.endswith(".txt")


def test_an_open_file_keeps_its_name(made: Path, hello: Path) -> None:
    with hello.open("rb") as file:
        encoded = encode(file, directory=str(made))

    assert encoded.files[0].name == "hello.txt"
    assert contents(encoded) == [b"hello"]


def test_a_file_of_text_is_written_as_utf_8(made: Path) -> None:
    assert contents(encode(io.StringIO("é"), directory=str(made))) == ["é".encode()]


def test_what_was_written_but_not_flushed_is_there(made: Path, tmp_path: Path) -> None:
    with (tmp_path / "a.bin").open("wb") as file:
        file.write(b"written")

        assert contents(encode(file, directory=str(made))) == [b"written"]


def test_a_closed_file_is_read_from_the_disk(made: Path, hello: Path) -> None:
    with hello.open("rb") as file:
        pass

    assert contents(encode(file, directory=str(made))) == [b"hello"]


def test_a_closed_file_without_a_name_is_an_error(made: Path) -> None:
    file = io.BytesIO()
    file.close()

    with pytest.raises(OutputError, match=r"^Failed to read IOBase: the file is closed$"):
        encode(file, directory=str(made))


def test_a_file_that_cannot_be_read_is_an_error(made: Path) -> None:
    class Broken(io.RawIOBase):
        name = None

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise OSError("disk on fire")

    with pytest.raises(OutputError, match=r"^Failed to read IOBase: OSError: disk on fire$"):
        encode(Broken(), directory=str(made))


@pytest.mark.parametrize(
    "make",
    [
        lambda: tempfile.NamedTemporaryFile(suffix=".txt"),  # noqa: SIM115
        lambda: tempfile.SpooledTemporaryFile(max_size=100),  # noqa: SIM115
        tempfile.TemporaryFile,
    ],
    ids=["named", "spooled", "unnamed"],
)
def test_temporary_files_are_read_before_they_vanish(made: Path, make) -> None:
    with make() as file:
        file.write(b"hello")

        encoded = encode(file, directory=str(made))

    assert contents(encoded) == [b"hello"]
    assert encoded.files[0].name.endswith(".txt")


def test_files_without_a_name_get_names_that_do_not_collide(made: Path) -> None:
    encoded = encode([io.BytesIO(b"a"), io.BytesIO(b"b")], directory=str(made))

    assert len({file.name for file in encoded.files}) == 2
    assert contents(encoded) == [b"a", b"b"]


def test_bytes_are_a_file_only_where_the_annotation_says_so(made: Path) -> None:
    assert contents(encode(b"hello", directory=str(made), is_path=True)) == [b"hello"]
    with pytest.raises(OutputError, match="Object of type bytes is not JSON serializable"):
        encode(b"hello", directory=str(made))
    with pytest.raises(OutputError, match="Object of type bytes is not JSON serializable"):
        encode({"a": b"hello"}, directory=str(made), is_path=True)


def test_an_error_leaves_no_files(made: Path) -> None:
    with pytest.raises(OutputError):
        encode([io.BytesIO(b"a"), object()], directory=str(made))

    assert list(made.iterdir()) == []


def test_an_output_of_no_files_is_its_json(made: Path) -> None:
    assert encode({"a": (None, 1)}, directory=str(made)) == Encoded({"a": [None, 1]})
    assert encode(None, directory=str(made), is_path=True) == Encoded(None)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.binary(max_size=8).map(io.BytesIO) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_the_place_of_every_file_holds_none(made: Path, value: Any) -> None:
    encoded = encode(value, directory=str(made))

    for file, content in zip(encoded.files, contents(encoded), strict=True):
        standing, original = encoded.value, value
        for step in file.at:
            standing, original = standing[step], original[step]
        assert standing is None
        assert original.getvalue() == content
