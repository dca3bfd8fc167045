"""Files of predictions: unguessable, in ranges, and nothing that runs as a page."""

import pytest
from played_prediction import Play

CONTENT = bytes(range(100))


@pytest.fixture
async def play(hub, as_alice, model, push):
    await push(model)
    body = {"version": "a" * 64, "input": {"text": "a"}}
    made = (await as_alice("POST", "/v1/predictions", json=body)).json()
    return await Play(hub, made["id"]).start()


@pytest.fixture
def put(play):
    """Make a file and return its URL."""

    async def made(content=CONTENT, name="out.png", content_type="image/png"):
        reference = await play.file(content, name, content_type)
        return reference.replace("coghub:", "http://hub.test")

    return made


async def test_a_file_needs_no_token(as_nobody, put):
    answer = await as_nobody("GET", await put())

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == "100"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''out.png"


async def test_only_the_headers_may_be_asked_for(as_nobody, put):
    answer = await as_nobody("HEAD", await put())

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "100"


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=90-", 90, 100),
        ("bytes=-5", 95, 100),
        ("bytes=95-999", 95, 100),
        ("bytes=-999", 0, 100),
        ("bytes=0-99", 0, 100),
    ],
)
async def test_a_range_is_answered(as_nobody, put, wanted, start, end):
    answer = await as_nobody("GET", await put(), headers={"range": wanted})

    assert answer.content == CONTENT[start:end]
    is_whole = (start, end) == (0, 100)
    assert answer.status_code == (200 if is_whole else 206)
    if not is_whole:
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/100"


@pytest.mark.parametrize(
    "wanted", ["bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=-", "bytes=a-b", ""]
)
async def test_a_range_that_is_none_is_answered_with_all(as_nobody, put, wanted):
    answer = await as_nobody("GET", await put(), headers={"range": wanted})

    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=-0"])
async def test_a_range_outside_is_refused(as_nobody, put, wanted):
    answer = await as_nobody("GET", await put(), headers={"range": wanted})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */100"


async def test_an_empty_file_is_answered(as_nobody, put):
    answer = await as_nobody("GET", await put(b""))

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_file_that_the_client_has_is_not_sent_again(as_nobody, put):
    url = await put()
    etag = (await as_nobody("GET", url)).headers["etag"]

    same = await as_nobody("GET", url, headers={"if-none-match": f'W/{etag}, "other"'})
    other = await as_nobody("GET", url, headers={"if-none-match": '"other"'})
    changed = await as_nobody("GET", url, headers={"range": "bytes=0-1", "if-range": '"old"'})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == changed.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "image/svg+xml", "application/xml", "text/xml", "application/pdf",
     "text/javascript", "application/xhtml+xml", "application/octet-stream"],
)  # fmt: skip
async def test_what_could_run_script_is_only_saved(as_nobody, put, content_type):
    answer = await as_nobody("GET", await put(b"<script>", "a.html", content_type))

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_a_name_does_not_break_out_of_its_header(as_nobody, put):
    answer = await as_nobody("GET", await put(name='\u00e9";\r\nset-cookie: a=b.txt'))

    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"].startswith("inline; filename*=UTF-8''%C3%A9%22%3B")


@pytest.mark.parametrize("path", ["/files/nothing/a.png", "/v1/files/nothing/a.png"])
async def test_an_unknown_file_is_not_found(as_nobody, path):
    assert (await as_nobody("GET", path)).status_code == 404


async def test_a_file_named_download_is_served(as_nobody, put):
    assert (await as_nobody("GET", await put(name="download"))).content == CONTENT
