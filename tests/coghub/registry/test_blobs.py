"""Blobs that are there: read, in parts, and taken away."""

import pytest
from oci_images import error_code, hex_of

from coghub.domain.digest import digest_of

CONTENT = b"0123456789"
DIGEST = digest_of(CONTENT)
BLOB = f"/v2/alice/hello/blobs/{DIGEST}"


@pytest.fixture
async def blob(as_alice):
    await as_alice.blob("alice/hello", CONTENT)


@pytest.mark.usefixtures("blob")
async def test_a_blob_tells_its_size_and_digest(as_alice):
    head, get = await as_alice("HEAD", BLOB), await as_alice("GET", BLOB)

    for answer in (head, get):
        assert answer.status_code == 200
        assert answer.headers["content-length"] == "10"
        assert answer.headers["docker-content-digest"] == DIGEST
        assert answer.headers["etag"] == f'"{DIGEST}"'
        assert answer.headers["accept-ranges"] == "bytes"
    assert (head.content, get.content) == (b"", CONTENT)


@pytest.mark.usefixtures("blob")
async def test_a_part_of_a_blob(as_alice):
    answer = await as_alice("GET", BLOB, headers={"range": "bytes=2-4"})

    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    assert answer.headers["content-length"] == "3"


@pytest.mark.usefixtures("blob")
async def test_a_part_of_another_blob_than_this_is_the_whole(as_alice):
    other = {"range": "bytes=2-4", "if-range": '"sha256:other"'}
    same = {"range": "bytes=2-4", "if-range": f'"{DIGEST}"'}

    assert (await as_alice("GET", BLOB, headers=other)).content == CONTENT
    assert (await as_alice("GET", BLOB, headers=same)).content == b"234"


@pytest.mark.usefixtures("blob")
async def test_a_part_behind_the_end(as_alice):
    answer = await as_alice("GET", BLOB, headers={"range": "bytes=10-"})

    assert (answer.status_code, error_code(answer)) == (416, "RANGE_INVALID")
    assert answer.headers["content-range"] == "bytes */10"


@pytest.mark.usefixtures("blob")
async def test_a_blob_that_the_client_has_is_not_sent(as_alice):
    answer = await as_alice("GET", BLOB, headers={"if-none-match": f'"{DIGEST}"'})

    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.usefixtures("blob")
async def test_a_blob_is_read_only_through_a_repository_that_has_it(as_alice, as_bob):
    await as_bob.blob("bob/other", b"something")

    other = await as_bob("GET", f"/v2/bob/other/blobs/{DIGEST}")

    assert (other.status_code, error_code(other)) == (404, "BLOB_UNKNOWN")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("alice/Hello", 400, "NAME_INVALID"),
        ("alice/he llo", 400, "NAME_INVALID"),
        ("alice/../bob", 400, "NAME_INVALID"),
        ("alice/" + "x" * 300, 400, "NAME_INVALID"),
        ("hello", 404, "NAME_UNKNOWN"),
        ("alice/hello/more", 404, "NAME_UNKNOWN"),
    ],
)
async def test_names_that_are_no_models(as_alice, name, status, code):
    answer = await as_alice("GET", f"/v2/{name.replace('..', '%2e%2e')}/blobs/{DIGEST}")

    assert (answer.status_code, error_code(answer)) == (status, code)


@pytest.mark.parametrize("digest", ["sha256:abc", "sha512:" + "0" * 128, "%2e%2e", "latest"])
async def test_what_is_no_digest(as_alice, digest):
    answer = await as_alice("GET", f"/v2/alice/hello/blobs/{digest}")

    assert (answer.status_code, error_code(answer)) == (400, "DIGEST_INVALID")


@pytest.mark.usefixtures("blob")
@pytest.mark.parametrize("content", [None, b"01234"])
async def test_a_blob_without_all_of_its_content_is_not_there(as_alice, hub, content):
    """So the next push sends it again: a power cut may have taken what was written last."""
    path = hub.storage.path_of(f"blobs/sha256/{hex_of(CONTENT)}")
    path.unlink() if content is None else path.write_bytes(content)

    head, get = await as_alice("HEAD", BLOB), await as_alice("GET", BLOB)
    await as_alice.blob("alice/hello", CONTENT)

    assert (head.status_code, get.status_code) == (404, 404)
    assert (await as_alice("GET", BLOB)).content == CONTENT


@pytest.mark.usefixtures("blob")
async def test_a_blob_is_taken_from_one_repository(as_alice):
    await as_alice.blob("alice/other", CONTENT)

    answer = await as_alice("DELETE", BLOB)
    again = await as_alice("DELETE", BLOB)

    assert (answer.status_code, again.status_code) == (202, 404)
    assert (await as_alice("GET", BLOB)).status_code == 404
    assert (await as_alice("GET", BLOB.replace("hello", "other"))).content == CONTENT


async def test_a_blob_that_a_manifest_names_stays(as_alice):
    await as_alice.image("alice/hello", layers=(CONTENT,))

    answer = await as_alice("DELETE", BLOB)

    assert (answer.status_code, error_code(answer)) == (405, "UNSUPPORTED")
    assert (await as_alice("GET", BLOB)).content == CONTENT


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/alice/hello/blobs", 404),
        ("POST", BLOB, 405),
        ("PATCH", "/v2/_catalog", 405),
        ("QUERY", "/v2/", 405),
    ],
)
async def test_paths_and_methods_that_are_not_there(as_alice, method, path, status):
    answer = await as_alice(method, path)

    assert (answer.status_code, error_code(answer)) == (status, "UNSUPPORTED")
    assert (status == 405) == ("allow" in answer.headers)
