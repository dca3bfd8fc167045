"""One blob on its way from a registry that fails, or lies."""

import os

import pytest

from coghub.build.oci import LAYER, Descriptor
from coghub.build.registry_client.credentials import Credentials
from coghub.build.registry_client.download import Download
from coghub.domain.digest import digest_of, hex_of
from coghub.domain.errors import BundleInvalid, RegistryError, RegistryUnreachable, RemoteNotFound

CONTENT = os.urandom(3_000_000)
DIGEST = digest_of(CONTENT)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "incoming").mkdir()
    return tmp_path / "incoming"


@pytest.fixture
def download(fake, registry, meter):
    fake.blobs[DIGEST] = CONTENT

    def make(size=3_000_000):
        return Download(registry, "alice/hello", Descriptor(LAYER, DIGEST, size), meter)

    return make


def asked_ranges(fake):
    return [headers["Range"] for _, headers in fake.seen("GET", "/blobs/")]


def test_a_blob_is_a_file_named_by_its_digest(download, folder, meter):
    path = download().run(folder)

    assert path == folder / hex_of(DIGEST)
    assert path.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [path]
    assert (meter.moved, meter.done) == (3_000_000, 3_000_000)


def test_what_was_received_before_a_break_is_not_asked_for_again(fake, download, folder, meter):
    fake.fail("GET", "/blobs/", cut_after=1_200_000)

    path = download().run(folder)

    assert path.read_bytes() == CONTENT
    first, second = asked_ranges(fake)
    assert first is None
    assert 0 < int(second[6:-1]) <= 1_200_000
    assert meter.moved == 3_000_000


def test_an_earlier_run_is_gone_on_with(fake, download, folder, meter):
    (folder / f"{hex_of(DIGEST)}.part").write_bytes(CONTENT[:2_000_000])

    path = download().run(folder)

    assert path.read_bytes() == CONTENT
    assert asked_ranges(fake) == ["bytes=2000000-"]
    assert (meter.moved, meter.done) == (1_000_000, 3_000_000)


def test_what_is_there_is_not_fetched(fake, download, folder):
    (folder / hex_of(DIGEST)).write_bytes(CONTENT)

    download().run(folder)

    assert asked_ranges(fake) == []


@pytest.mark.parametrize("left", [CONTENT[:-1] + b"!", b"x" * 100, CONTENT + b"more"])
def test_a_damaged_part_is_fetched_anew(download, folder, left):
    (folder / f"{hex_of(DIGEST)}.part").write_bytes(left)

    assert download().run(folder).read_bytes() == CONTENT


def test_a_registry_without_ranges_sends_the_whole_again(fake, download, folder):
    (folder / f"{hex_of(DIGEST)}.part").write_bytes(CONTENT[:1000])
    fake.fail("GET", "/blobs/", status=200, body=CONTENT)

    assert download().run(folder).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "headers"), [(416, {}), (206, {"Content-Range": "bytes 5-9/10"}), (206, {})]
)
def test_a_range_that_does_not_fit_is_not_taken(fake, download, folder, status, headers):
    (folder / f"{hex_of(DIGEST)}.part").write_bytes(CONTENT[:1000])
    fake.fail("GET", "/blobs/", status=status, headers=headers, body=b"12345")

    assert download().run(folder).read_bytes() == CONTENT


def test_a_forged_blob_is_refused(fake, download, folder):
    fake.blobs[DIGEST] = CONTENT[::-1]

    with pytest.raises(BundleInvalid, match="not what its digest says"):
        download().run(folder)

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("size", "how"), [(1000, "more"), (4_000_000, "less")])
def test_a_wrong_length_is_refused(download, folder, size, how):
    with pytest.raises(BundleInvalid, match=f"sent {how} than the {size} bytes"):
        download(size).run(folder)


def test_a_blob_that_is_not_there_is_an_error_at_once(fake, client, download, folder):
    fake.blobs.clear()

    with pytest.raises(RemoteNotFound):
        download().run(folder)

    assert client.waits == []


def test_a_registry_that_never_gets_on_is_given_up(fake, client, download, folder):
    fake.fail("GET", "/blobs/", cut_after=0, times=99)

    with pytest.raises(RegistryUnreachable):
        download().run(folder)

    assert client.waits == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_redirect_to_another_host_carries_no_credentials(fake, registry, download, folder):
    fake.realm = "basic"
    registry.authentication.credentials = Credentials("alice", "secret")
    elsewhere = f"http://localhost:{fake.server.server_port}/elsewhere"
    fake.fail("GET", "/blobs/", status=401, headers={"WWW-Authenticate": "Basic"})
    fake.fail("GET", "/blobs/", status=307, headers={"Location": elsewhere})
    fake.fail("GET", "/elsewhere", status=200, body=CONTENT)

    assert download().run(folder).read_bytes() == CONTENT

    [(_, headers)] = fake.seen("GET", "/elsewhere")
    assert headers["Authorization"] is None
    assert fake.seen("GET", "/blobs/")[-1][1]["Authorization"].startswith("Basic ")


def test_redirects_without_end_are_not_followed(fake, download, folder):
    fake.fail("GET", "/blobs/", status=302, headers={"Location": "?again"}, times=99)

    with pytest.raises(RegistryError, match="redirects without end"):
        download().run(folder)
