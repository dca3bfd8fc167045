"""The blobs of a version are files for who starts it, wherever the storage has them."""

import pytest

from coghub.domain.digest import digest_of
from coghub.domain.errors import BundleInvalid, StorageUnusable
from coghub.executors import version_blobs
from coghub.executors.version_blobs import version_layout
from coghub.storage.local import local_storage
from coghub.storage.s3 import s3_storage

CONFIG, LAYER = b"{}", b"a layer"
MANIFEST = {
    "config": {"digest": digest_of(CONFIG)},
    "layers": [{"digest": digest_of(LAYER)}, {"digest": digest_of(LAYER)}],
}


async def put(storage, content):
    path = storage.incoming / "arriving"
    path.write_bytes(content)
    await storage.adopt(path, f"blobs/sha256/{digest_of(content)[7:]}")


async def test_on_the_local_disk_they_are_where_they_are(tmp_path):
    storage = local_storage(tmp_path / "storage")
    await put(storage, LAYER)

    with version_layout(storage, MANIFEST, tmp_path / "fetched") as layout:
        assert layout.path_of(digest_of(LAYER)).read_bytes() == LAYER
        assert not (tmp_path / "fetched").exists()

    assert layout.has(digest_of(LAYER))


@pytest.mark.slow
async def test_of_a_bucket_they_are_brought_and_removed_again(s3, tmp_path):
    storage = s3_storage(s3.new_place(), s3.access, tmp_path)
    for content in (CONFIG, LAYER):
        await put(storage, content)
    left = tmp_path / "fetched" / "blobs" / "left by a killed hub"
    left.mkdir(parents=True)

    with version_layout(storage, MANIFEST, tmp_path / "fetched") as layout:
        assert layout.path_of(digest_of(LAYER)).read_bytes() == LAYER
        assert layout.path_of(digest_of(CONFIG)).read_bytes() == CONFIG
        assert not left.exists()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_what_the_bucket_lacks_is_for_the_reader_to_tell(s3, tmp_path):
    storage = s3_storage(s3.new_place(), s3.access, tmp_path)

    with version_layout(storage, MANIFEST, tmp_path / "fetched") as layout:
        assert not layout.has(digest_of(LAYER))


@pytest.mark.slow
async def test_a_manifest_cannot_name_another_place(s3, tmp_path):
    storage = s3_storage(s3.new_place(), s3.access, tmp_path)
    evil = {"layers": [{"digest": "sha256:../../../etc/passwd"}]}

    with (
        pytest.raises(BundleInvalid, match="Not a digest"),
        version_layout(storage, evil, tmp_path / "fetched"),
    ):
        pass


class Away:
    """A store that is away for a while."""

    def __init__(self, times):
        self.times = times

    def path_of(self, key):
        return None

    def fetch(self, key, target):
        self.times -= 1
        if self.times >= 0:
            target.write_bytes(b"half of it")
            raise StorageUnusable("The object store cannot be used just now")
        target.write_bytes(key.encode())


def test_a_store_that_is_away_for_a_while_is_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(version_blobs, "PAUSES_S", (0.0, 0.0))

    with version_layout(Away(2), MANIFEST, tmp_path / "fetched") as layout:
        assert layout.path_of(digest_of(LAYER)).read_bytes().endswith(digest_of(LAYER)[7:].encode())
        assert layout.has(digest_of(CONFIG))


def test_a_store_that_stays_away_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(version_blobs, "PAUSES_S", (0.0, 0.0))

    with (
        pytest.raises(StorageUnusable, match="cannot be used just now"),
        version_layout(Away(3), MANIFEST, tmp_path / "fetched"),
    ):
        pass

    assert list(tmp_path.iterdir()) == []
