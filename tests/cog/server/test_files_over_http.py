"""Files in inputs and outputs, over HTTP."""

import base64
from pathlib import Path

import pytest
from msgspec import Raw

from cog.server import uploads
from cog.server.errors import UploadError
from cog.server.outgoing import Outgoing
from cog.server.uploads import OutputFiles
from cog.server.wire import WireOutput
from cog.worker.messages import OutputFile

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_server):
    return start_server(
        "multi.py:Predictor", COG_MAX_INPUT_FILE_BYTES="1000", COG_USER_AGENT="tests/1"
    ).wait_until_ready()


@pytest.fixture(scope="module")
def uploading(start_server, site):
    return start_server(
        "multi.py:Predictor", "--upload-url", f"{site.url}/folder"
    ).wait_until_ready()


@pytest.fixture(autouse=True)
def silence(site):
    site.calls.clear()
    site.answers.clear()


def test_a_url_is_downloaded_and_removed_afterwards(server, site):
    site.answers["/a/some%20file.txt"] = [(200, {}, b"hello")]

    output = server.predict(action="read_file", file=f"{site.url}/a/some%20file.txt?x=1")["output"]

    assert output["content"] == "hello"
    assert output["path"].endswith("some file.txt")
    assert not Path(output["path"]).exists()
    assert site.calls[0].headers["user-agent"] == "tests/1"


def test_a_data_url_is_a_file_with_its_extension(server):
    content = base64.b64encode(b"\x89PNG").decode()

    output = server.predict(action="read_file", file=f"data:image/png;base64,{content}")["output"]

    assert output["content"] == "\x89PNG"
    assert output["path"].endswith("file.png")
    assert not Path(output["path"]).exists()


def test_lists_of_files_keep_their_order(server, site):
    site.answers["/one"] = [(200, {}, b"one")]

    reply = server.predict(
        action="read_files", files=["data:,zero", f"{site.url}/one", "data:,two"]
    )

    assert reply["output"] == ["zero", "one", "two"]


@pytest.mark.parametrize("value", ["/etc/passwd", "file:///etc/passwd", "predict.py", ""])
def test_a_path_on_the_server_is_refused(server, value):
    body = {"input": {"action": "read_file", "file": value, "files": ["data:,x", value]}}

    answer = server.ask("POST", "/predictions", body)

    assert answer.status == 422
    fields = [it["loc"][-1] for it in answer.json["detail"]]
    assert fields == ["file", "files/1"]
    assert (
        "is not a valid URL scheme. 'data', 'http', or 'https'" in answer.json["detail"][0]["msg"]
    )


def test_text_that_looks_like_a_url_stays_text(server):
    assert server.predict(text="http://127.0.0.1:1/x")["output"] == "http://127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("{site}/missing", "404 Client Error: Not Found for url: {site}/missing"),
        ("{site}/large", "File is larger than 1000 bytes"),
        ("http://127.0.0.1:1/x", "Could not download http://127.0.0.1:1/x"),
        ("http://[/", "Could not download http://[/"),
        ("data:no comma", "A data URL has no comma"),
        ("data:text/plain;base64,§", "A data URL is malformed"),
        ("data:," + "x" * 1001, "File is larger than 1000 bytes"),
    ],
)
def test_a_file_that_cannot_be_had_fails_the_prediction(server, site, value, text):
    site.answers["/missing"] = [(404, {}, b"")]
    site.answers["/large"] = [(200, {}, b"x" * 1001)]

    reply = server.predict(action="read_file", file=value.format(site=site.url))

    assert reply["status"] == "failed"
    assert reply["error"].startswith("Input validation error: ")
    assert text.replace("{site}", site.url) in reply["error"]
    assert server.predict(text="still here")["output"] == "still here"


BROKEN = (200, {"Content-Length": "10", "Connection": "close"}, b"half")


def test_a_download_that_breaks_on_the_way_begins_again(server, site):
    site.answers["/broken"] = [BROKEN, BROKEN, (200, {}, b"whole")]

    output = server.predict(action="read_file", file=f"{site.url}/broken")["output"]

    assert output["content"] == "whole"


def test_a_download_that_always_breaks_fails_the_prediction(server, site):
    site.answers["/broken"] = [BROKEN]

    reply = server.predict(action="read_file", file=f"{site.url}/broken")

    assert reply["status"] == "failed"
    assert f"Could not download {site.url}/broken" in reply["error"]
    assert len(site.calls) == 3


def test_omitted_and_null_inputs_arrive_as_none(server):
    assert server.predict(action="show_inputs")["output"]["file"] is None
    assert server.predict(action="show_inputs", file=None, maybe=None)["output"]["maybe"] is None


def test_output_files_become_data_urls_wherever_they_stand(server):
    content = base64.b64encode(b"content of a.txt").decode()
    nested = base64.b64encode(b"content of nested.png").decode()

    assert server.predict(action="write_file", text="a.txt")["output"] == (
        f"data:text/plain;base64,{content}"
    )
    assert server.predict(action="write_nested", text="hi")["output"] == {
        "picture": f"data:image/png;base64,{nested}",
        "text": "hi",
    }


def test_a_missing_output_file_fails_the_prediction(server):
    reply = server.predict(action="missing_file")

    assert reply["status"] == "failed"
    assert "/nowhere/at-all.txt" in reply["error"]


def test_output_files_are_uploaded_also_nested_ones(uploading, site):
    site.answers["/folder/a%20b.txt"] = [(200, {"Location": "https://cdn/a.txt?signature=1"}, b"")]
    body = {"input": {"action": "write_file", "text": "a b.txt"}}

    top = uploading.ask("PUT", "/predictions/my-id", body).json
    nested = uploading.predict(action="write_nested", text="hi")

    assert top["output"] == "https://cdn/a.txt"
    assert nested["output"] == {"picture": f"{site.url}/folder/nested.png", "text": "hi"}
    call = site.calls[0]
    assert (call.method, call.path, call.content) == (
        "PUT",
        "/folder/a%20b.txt",
        b"content of a b.txt",
    )
    assert call.headers["content-type"] == "text/plain"
    assert call.headers["x-prediction-id"] == "my-id"


def test_an_upload_that_fails_at_first_is_tried_again(uploading, site):
    site.answers["/folder/again.txt"] = [(503, {}, b""), (200, {}, b"")]

    reply = uploading.predict(action="write_file", text="again.txt")

    assert reply["output"] == f"{site.url}/folder/again.txt"


def test_an_upload_that_fails_fails_the_prediction(uploading, site):
    site.answers["/folder/never.txt"] = [(403, {}, b"")]

    reply = uploading.predict(action="write_file", text="never.txt")

    assert reply["status"] == "failed"
    assert reply["error"].endswith("Output file cannot be uploaded: never.txt: 403 Forbidden")


@pytest.mark.parametrize(("status", "tries"), [(503, 8), (502, 8), (500, 3), (403, 3)])
async def test_who_cannot_take_a_file_just_now_is_asked_for_longer(
    site, tmp_path, monkeypatch, status, tries
):
    monkeypatch.setattr(uploads, "PAUSES_S", (0.0,) * 7)
    site.answers["/folder/a.txt"] = [(status, {}, b"")]
    (tmp_path / "a.txt").write_text("content")
    outgoing = Outgoing()
    output = WireOutput(1, Raw(b"null"), [OutputFile([], str(tmp_path / "a.txt"), "a.txt")])

    with pytest.raises(UploadError, match=rf"cannot be uploaded: a.txt: {status} "):
        await OutputFiles(f"{site.url}/folder", outgoing).resolve(output, prediction_id="one")
    await outgoing.close()

    assert [it.content for it in site.calls] == [b"content"] * tries


def test_an_upload_that_fails_leaves_no_copy_of_any_file(uploading, site):
    site.answers["/folder/0.txt"] = [(403, {}, b"")]

    reply = uploading.predict(action="write_files", count=3)

    path = uploading.predict(action="read_file", file="data:,here")["output"]["path"]
    assert reply["status"] == "failed"
    assert list(Path(path).parents[1].glob("output-*")) == []


def test_files_nulls_and_odd_patterns_deep_in_an_input(start_server):
    server = start_server("nested.py:Predictor").wait_until_ready()
    inputs = {
        "pages": [{"scan": "data:,page", "note": None}],
        "rows": [[], ["data:,row"]],
        "named": {"a/b": "data:,named"},
        "numbers": [1, None],
        "word": "cd",
    }

    reply = server.ask("PUT", "/predictions/deep", {"input": inputs}).json
    refused = server.ask("POST", "/predictions", {"input": {"pages": [{"scan": "/etc/passwd"}]}})
    odd = server.predict(word="long")

    assert reply["output"] == ["page", "row", "named", "1", "None"]
    assert [it["loc"] for it in refused.json["detail"]] == [["body", "input", "pages/0/scan"]]
    assert (refused.status, odd["status"]) == (422, "failed")
    assert "word: does not match regex" in odd["error"]
    server.wait_for_line("Pattern cannot be checked before the worker does")
