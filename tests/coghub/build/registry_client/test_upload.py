"""One blob on its way to a registry that fails in every way."""

import os

import pytest

from coghub.build.oci import LAYER, Descriptor
from coghub.build.registry_client.credentials import Credentials
from coghub.build.registry_client.upload import File, Sizes, Upload
from coghub.domain.digest import digest_of
from coghub.domain.errors import BundleInvalid, RegistryBusy, RegistryError, RegistryRefused

CONTENT = os.urandom(10_000)
DIGEST = digest_of(CONTENT)
CHUNKED = Sizes(threshold_bytes=5000, chunk_bytes=4000)
WHOLE = Sizes(threshold_bytes=50_000, chunk_bytes=4000)


@pytest.fixture
def upload(registry, meter, tmp_path):
    """Return an upload of the content in pieces, or as a whole."""
    path = tmp_path / "blob"
    path.write_bytes(CONTENT)
    with path.open("rb") as file:
        source = File(Descriptor(LAYER, DIGEST, len(CONTENT)), file)
        yield lambda sizes=CHUNKED: Upload(registry, "alice/hello", source, sizes, meter)


def ranges(fake):
    return [headers["Content-Range"] for _, headers in fake.seen("PATCH")]


def test_a_small_blob_is_one_put(fake, upload, meter):
    upload(WHOLE).run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert [method for method, _, _ in fake.log] == ["GET", "HEAD", "POST", "PUT"]
    assert (meter.moved, meter.done, meter.spared) == (10_000, 10_000, 0)


def test_a_large_blob_is_sent_in_pieces(fake, upload, meter):
    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert ranges(fake) == ["0-3999", "4000-7999", "8000-9999"]
    assert meter.done == 10_000


def test_what_is_there_is_not_sent(fake, upload, meter):
    fake.blobs[DIGEST] = CONTENT

    upload().run()

    assert fake.seen("POST") == []
    assert (meter.moved, meter.spared) == (0, 10_000)


def test_what_another_repository_has_is_mounted(fake, upload, meter):
    fake.blobs[DIGEST] = CONTENT
    fake.fail("HEAD", DIGEST, status=404)

    upload().run(mount_from="alice/other")

    [(path, _)] = fake.seen("POST")
    assert path.endswith(f"?mount=sha256%3A{DIGEST[7:]}&from=alice%2Fother")
    assert meter.moved == 0


@pytest.mark.parametrize("status", [202, 401, 403, 404])
def test_a_mount_that_is_refused_becomes_an_upload(fake, upload, status):
    if status != 202:
        fake.fail("POST", "mount=", status=status)

    upload().run(mount_from="alice/other")

    assert fake.blobs == {DIGEST: CONTENT}


def test_a_connection_that_breaks_amid_a_piece_goes_on_there(fake, client, upload, meter):
    fake.fail("PATCH", "", cut_after=1500)

    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert ranges(fake) == ["0-3999", "1500-5499", "5500-9499", "9500-9999"]
    assert len(client.waits) == 1
    assert meter.done == 10_000


def test_a_whole_that_breaks_is_asked_after_and_not_sent_twice(fake, upload, meter):
    fake.fail("PUT", "uploads", cut_after=6000)

    upload(WHOLE).run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert [headers["Content-Length"] for _, headers in fake.seen("PUT")] == ["10000", "4000"]
    assert meter.done == 10_000


def test_a_lost_answer_is_not_a_lost_blob(fake, upload, meter):
    fake.blobs[DIGEST] = CONTENT  # which the registry had put together when the connection broke
    fake.fail("HEAD", DIGEST, status=404)
    fake.fail("PUT", "", cut_after=9000)
    fake.fail("GET", "uploads", status=404)

    upload(WHOLE).run()

    assert len(fake.seen("PUT")) == 1
    assert meter.done == 10_000


def test_progress_gives_new_patience(fake, client, upload):
    """Eight broken connections, of which no six follow each other without a byte between."""
    fake.fail("PATCH", "", cut_after=700, times=8)

    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert set(client.waits) == {0.5}


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504, 522])
def test_a_busy_registry_is_asked_again_when_it_says(fake, client, upload, status):
    fake.fail("PATCH", "", status=status, headers={"Retry-After": "7"})
    fake.fail("POST", "", status=status)

    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert client.waits == [0.5, 7.0]


def test_patience_ends(fake, client, upload):
    fake.fail("POST", "", status=503, times=99, body=b'{"errors":[{"message":"too many"}]}')

    with pytest.raises(RegistryBusy, match="answered 503: too many"):
        upload().run()

    assert client.waits == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_an_upload_that_the_registry_forgot_begins_anew(fake, upload, meter):
    fake.fail("PATCH", "", cut_after=1000)
    fake.fail("GET", "uploads", status=404)

    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert len(fake.seen("POST")) == 2
    assert meter.done == 10_000


def test_a_registry_that_refuses_pieces_gets_the_whole(fake, upload):
    fake.fail("PATCH", "", status=416, times=99)

    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}


def test_pieces_are_as_the_registry_wants_them(fake, upload):
    fake.upload_headers = {"OCI-Chunk-Max-Length": "3000", "OCI-Chunk-Min-Length": "10"}

    upload().run()

    assert ranges(fake)[0] == "0-2999"

    fake.blobs.clear()
    fake.upload_headers = {"OCI-Chunk-Min-Length": "6000"}
    upload().run()

    assert ranges(fake)[-2:] == ["0-5999", "6000-9999"]


def test_a_token_that_ends_amid_an_upload_is_renewed(fake, make_client, upload, registry):
    fake.realm = "bearer"
    registry.authentication.credentials = None
    with pytest.raises(RegistryRefused, match="You are not logged in"):
        upload().run()
    registry.authentication.credentials = Credentials("alice", "secret")
    fake.fail("PATCH", "", status=401, headers={"WWW-Authenticate": challenge(fake)})

    upload().run()

    assert fake.blobs == {DIGEST: CONTENT}
    assert len(fake.tokens) == 2


def challenge(fake):
    return f'Bearer realm="{fake.url}/token",service="here",scope="s"'


def test_a_wrong_digest_is_the_registrys_last_word(fake, upload):
    fake.fail("PUT", "", status=400, times=99, body=b'{"errors":[{"code":"DIGEST_INVALID"}]}')

    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        upload(WHOLE).run()


def test_a_registry_that_counts_wrongly_does_not_loop(fake, upload):
    where = {"Location": "/v2/alice/hello/blobs/uploads/x", "Range": "0-99999"}
    fake.fail("PATCH", "", status=202, headers=where, times=99)
    fake.fail("PUT", "", status=400, times=99)

    with pytest.raises(RegistryError):
        upload().run()

    assert len(fake.seen("PATCH")) == 5


def test_an_upload_without_an_address_is_an_error(fake, upload):
    fake.fail("POST", "", status=202)

    with pytest.raises(RegistryError, match="did not say where"):
        upload().run()


def test_a_blob_that_became_shorter_is_not_sent(fake, upload, tmp_path):
    (tmp_path / "blob").write_bytes(CONTENT[:-1])

    with pytest.raises(BundleInvalid, match="became shorter"):
        upload().run()


def test_credentials_do_not_follow_an_upload_to_another_host(fake, make_client, upload, registry):
    fake.realm = "basic"
    registry.authentication.credentials = Credentials("alice", "secret")
    elsewhere = f"http://localhost:{fake.server.server_port}/elsewhere"
    fake.fail("POST", "", status=202, headers={"Location": elsewhere})
    fake.fail("PUT", "/elsewhere", status=201)

    upload(WHOLE).run()

    [(_, headers)] = fake.seen("PUT", "/elsewhere")
    assert headers["Authorization"] is None
    assert fake.seen("POST")[-1][1]["Authorization"].startswith("Basic ")
