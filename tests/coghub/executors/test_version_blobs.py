"""The blobs of a version are files for who starts it, wherever the storage has them."""

import pytest

from coghub.domain.digest import digest_of
from coghub.domain.errors import BundleInvalid
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
