"""Files, secrets and iterators as types."""

import copy
import importlib.metadata
import io
import pathlib
import pickle
import typing

import pytest

import cog.types
from cog import (
    AsyncConcatenateIterator,
    ConcatenateIterator,
    File,
    Path,
    Secret,
    URLFile,
    URLPath,
)
from cog.errors import DownloadError

HELLO = "data:text/plain;base64,aGVsbG8="


def test_a_path_is_a_path_of_the_standard_library() -> None:
    path = Path("/a") / "b.txt"

    assert isinstance(path, pathlib.PosixPath)
    assert type(path) is type(path.parent) is Path
    assert (path.name, str(path)) == ("b.txt", "/a/b.txt")
    assert path == pathlib.Path("/a/b.txt")


def test_text_becomes_a_path() -> None:
    assert type(Path.validate("/a/b")) is Path


def test_a_path_stays_what_it_is() -> None:
    path = pathlib.Path("/a")

    assert Path.validate(path) is path


@pytest.mark.parametrize("url", [HELLO, "http://x/y.txt", "https://x/y.txt"])
def test_a_url_becomes_a_path_that_knows_it(url: str) -> None:
    path = Path.validate(url)

    assert isinstance(path, URLPath)
    assert isinstance(path, Path)
    assert str(path) == url
    assert repr(path) == f"URLPath({url!r})"


def test_a_url_path_is_fetched_once(website) -> None:
    website.files["/b%20c.txt"] = b"hello"
    path = Path.validate(f"{website.url}/b%20c.txt")

    converted = path.convert()

    assert converted.name.endswith("b c.txt")
    assert converted.read_bytes() == b"hello"
    assert path.convert() is converted
    assert len(website.agents) == 1
    path.unlink()
    assert not converted.exists()


def test_a_url_path_is_fetched_when_it_is_opened() -> None:
    path = Path.validate(HELLO)

    assert path.read_text() == "hello"

    path.unlink()
    with pytest.raises(FileNotFoundError):
        path.unlink()
    path.unlink(missing_ok=True)


def test_a_url_path_that_was_never_fetched_has_nothing_to_remove() -> None:
    Path.validate("http://127.0.0.1:1/x").unlink()


def test_a_url_path_can_be_made_by_hand() -> None:
    path = URLPath(source="https://x/a.txt", filename="a.txt", fileobj=io.BytesIO(b"hi"))

    assert path.source == "https://x/a.txt"
    assert path.filename == path.name == "a.txt"
    assert path.suffix == ".txt"
    assert path.with_suffix(".md").name == "a.md"
    assert str(path.parent) == "."
    assert path.read_bytes() == b"hi"
    path.unlink()


def test_a_url_path_survives_a_copy_and_a_pickle() -> None:
    path = Path.validate(HELLO)

    assert str(copy.deepcopy(path)) == HELLO
    assert str(pickle.loads(pickle.dumps(path))) == HELLO


def test_a_data_url_becomes_an_open_file() -> None:
    assert File.validate(HELLO).read() == b"hello"


def test_an_open_file_stays_what_it_is() -> None:
    file = io.BytesIO()

    assert File.validate(file) is file


@pytest.mark.parametrize(("text", "scheme"), [("/tmp/x", ""), ("ftp://x/y", "ftp")])
def test_other_text_is_no_file(text: str, scheme: str) -> None:
    message = f"^'{scheme}' is not a valid URL scheme. 'data', 'http', or 'https' is supported.$"

    with pytest.raises(ValueError, match=message):
        File.validate(text)


def test_a_url_file_is_fetched_when_it_is_read(website) -> None:
    website.files["/a.txt"] = b"one\ntwo\n"

    with File.validate(f"{website.url}/a.txt") as file:
        assert isinstance(file, URLFile)
        assert isinstance(file, io.IOBase)
        assert file.name == "a.txt"
        assert website.agents == []
        assert file.readlines() == [b"one\n", b"two\n"]
        assert file.seek(4) == 4
        assert file.read() == b"two\n"

    assert len(website.agents) == 1


def test_a_url_file_survives_a_pickle() -> None:
    file = pickle.loads(pickle.dumps(URLFile("http://x/y.txt", "z.txt")))

    assert (file.url, file.name) == ("http://x/y.txt", "z.txt")


def test_a_url_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DownloadError), URLFile("http://127.0.0.1:1/x") as file:
        file.read()


def test_a_path_that_cannot_be_fetched_leaves_no_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(DownloadError):
        Path.validate("http://127.0.0.1:1/x").convert()

    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_not_shown() -> None:
    secret = Secret("hunter2")

    assert secret.get_secret_value() == secret.secret_value == "hunter2"
    assert str(secret) == f"{secret}" == "**********"
    assert repr(secret) == "Secret(**********)"
    assert str(Secret("")) == str(Secret(None)) == ""


def test_secrets_compare_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")


def test_a_secret_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Secret("a").secret_value = "b"
    with pytest.raises(AttributeError):
        del Secret("a").secret_value


def test_only_text_becomes_a_secret() -> None:
    secret = Secret("a")

    assert Secret.validate(secret) is secret
    assert Secret.validate("a") == secret
    with pytest.raises(ValueError, match="A secret is a text, not int"):
        Secret.validate(1)


@pytest.mark.parametrize("kind", [ConcatenateIterator, AsyncConcatenateIterator])
def test_iterators_can_be_annotations(kind) -> None:
    annotation = kind[str]

    assert typing.get_origin(annotation) is kind
    assert typing.get_args(annotation) == (str,)
    assert typing.get_args(typing.Optional[annotation]) == (annotation, type(None))  # noqa: UP045


def test_old_models_can_ask_which_pydantic_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.10.2")
    assert cog.types.PYDANTIC_V2 is False
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.1")
    assert cog.types.PYDANTIC_V2 is True


def test_without_pydantic_it_is_not_its_second_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)

    assert cog.types.PYDANTIC_V2 is False
    with pytest.raises(AttributeError):
        cog.types.Nonsense  # noqa: B018


def test_pydantic_models_may_hold_our_types() -> None:
    pydantic = pytest.importorskip("pydantic", minversion="2")

    class Result(pydantic.BaseModel):
        image: Path
        token: Secret

    result = Result(image="/a/b.png", token="t")

    assert type(result.image) is Path
    assert result.model_dump() == {"image": Path("/a/b.png"), "token": Secret("t")}
    assert result.model_dump_json() == '{"image":"/a/b.png","token":"**********"}'
    assert Result.model_json_schema()["properties"]["image"]["format"] == "uri"
    with pytest.raises(pydantic.ValidationError, match="A secret is a text"):
        Result(image="/a", token=1)


def test_models_of_pydantic_1_may_hold_our_types() -> None:
    """Pydantic 2 brings the first version along, which warns on the newest Pythons."""
    pytest.importorskip("pydantic", minversion="2")
    pydantic_1 = pytest.importorskip("pydantic.v1")

    class Result(pydantic_1.BaseModel):
        image: Path

    assert type(Result(image="/a").image) is Path
    assert Result.schema()["properties"]["image"]["format"] == "uri"
