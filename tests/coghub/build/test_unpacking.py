"""Bundles from strangers."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from coghub.build import unpacking
from coghub.build.oci import LAYER, Layout
from coghub.build.unpacking import unpack
from coghub.domain.errors import BundleInvalid


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size, found.mode = kind, link, size, 0o644
    return found


def sparse(word: str, value: str) -> tarfile.TarInfo:
    """Return a file that says of itself that it is a terabyte of nothing."""
    found = entry("src/a")
    sizes = {"GNU.sparse.size": "1099511627776", "GNU.sparse.realsize": "1099511627776"}
    found.pax_headers = {**sizes, "GNU.sparse.numblocks": "1", "GNU.sparse.minor": "0", word: value}
    return found


def manifest_of(layout: Layout, *layers: list[tarfile.TarInfo]) -> dict:
    described = []
    for entries in layers:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for one in entries:
                archive.addfile(one, io.BytesIO(b"x" * one.size))
        described.append(store(layout, buffer.getvalue()))
    return {"layers": described}


def store(layout: Layout, content: bytes) -> dict:
    with layout.new_blob() as blob:
        blob.write(content)
    return {"mediaType": LAYER, "digest": blob.digest, "size": blob.size}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def test_layers_lie_on_top_of_each_other(layout: Layout, tmp_path: Path) -> None:
    manifest = manifest_of(
        layout,
        [entry("src/a", tarfile.DIRTYPE), entry("src/a/one", size=3)],
        [entry("src/a/two", size=5), entry("src/link", tarfile.SYMTYPE, "a/two")],
    )

    unpack(layout, manifest, tmp_path / "out")

    assert (tmp_path / "out/src/a/one").read_bytes() == b"xxx"
    assert (tmp_path / "out/src/link").read_bytes() == b"xxxxx"


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry("../evil")], "outside of the project: ../evil"),
        ([entry("/etc/evil")], "outside of the project: /etc/evil"),
        ([entry("etc/evil")], "outside of the project: etc/evil"),
        ([entry("src/../../evil")], "outside of the project"),
        ([entry("src/a", tarfile.SYMTYPE, "/etc")], "a link that leads out of it: src/a"),
        ([entry("src/a", tarfile.SYMTYPE, "../../x")], "a link that leads out of it"),
        ([entry("src/a", tarfile.SYMTYPE, "b"), entry("src/a/x")], "behind a link: src/a/x"),
        ([entry("src/a", tarfile.SYMTYPE, "b"), entry("src/a")], "behind a link: src/a"),
        ([entry("src/a", tarfile.LNKTYPE, "/etc/passwd")], "neither a file nor a folder: src/a"),
        ([entry("src/a", tarfile.CHRTYPE)], "neither a file nor a folder: src/a"),
        ([entry("src/a", tarfile.FIFOTYPE)], "neither a file nor a folder: src/a"),
        ([entry("src/a"), entry("src/a")], "cannot be unpacked: "),
        ([entry("src/a"), entry("src/a/b")], "cannot be unpacked: "),
        ([entry("src", tarfile.SYMTYPE, "..")], "a link that leads out of it: src"),
        ([entry("src/" + "n" * 2_000_000)], "a header that is too large"),
        ([entry("src/" + "a/" * 400_000)], "a path that is too long: src/a/a/"),
        ([entry("src/" + "a/" * 200 + "x")], "a path that is too long: src/a/a/"),
        ([entry("src/a", tarfile.GNUTYPE_SPARSE)], "neither a file nor a folder: src/a"),
        ([entry("src/a", tarfile.BLKTYPE)], "neither a file nor a folder: src/a"),
        ([sparse("GNU.sparse.map", "0,0")], "less than it says: src/a"),
        ([sparse("GNU.sparse.major", "1")], "less than it says: src/a"),
        ([sparse("size", "1099511627776")], "less than it says: src/a"),
    ],
)
def test_what_would_leave_the_folder_is_refused_and_nothing_stays(
    layout: Layout, tmp_path: Path, entries: list[tarfile.TarInfo], reason: str
) -> None:
    manifest = manifest_of(layout, entries)

    with pytest.raises(BundleInvalid) as caught:
        unpack(layout, manifest, tmp_path / "out")

    assert reason in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_compressed_layer_is_not_blown_up(layout: Layout, tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000

    with pytest.raises(BundleInvalid, match="cannot be unpacked"):
        unpack(layout, {"layers": [store(layout, bomb)]}, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_folders_that_no_entry_names_are_counted(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILES", 100)
    deep = [entry(f"src/{number}/" + "a/" * 30 + "x") for number in range(4)]

    with pytest.raises(BundleInvalid, match="more than 100 files"):
        unpack(layout, manifest_of(layout, deep), tmp_path / "out")

    unpack(layout, manifest_of(layout, deep[:2]), tmp_path / "out")


def test_rights_are_of_two_kinds(layout: Layout, tmp_path: Path) -> None:
    wild = entry("src/a")
    wild.mode = 0o6777

    unpack(layout, manifest_of(layout, [wild, entry("src/b")]), tmp_path / "out")

    assert (tmp_path / "out/src/a").stat().st_mode & 0o7777 & ~0o755 == 0
    assert (tmp_path / "out/src/b").stat().st_mode & 0o111 == 0


@pytest.mark.parametrize(
    "change",
    [
        {"digest": f"sha256:{'0' * 64}"},
        {"digest": "sha256:../../index"},
        {"size": 1},
        {"size": "many"},
        {"mediaType": "application/zip"},
        {"digest": None},
    ],
)
def test_a_manifest_that_lies_is_refused(layout: Layout, tmp_path: Path, change: dict) -> None:
    manifest = manifest_of(layout, [entry("src/a")])
    manifest["layers"][0].update(change)

    with pytest.raises(BundleInvalid):
        unpack(layout, manifest, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_damaged_blob_is_noticed(layout: Layout, tmp_path: Path) -> None:
    manifest = manifest_of(layout, [entry("src/a", size=2000)])
    blob = layout.path_of(manifest["layers"][0]["digest"])
    content = bytearray(blob.read_bytes())
    content[700] ^= 1
    blob.write_bytes(content)

    with pytest.raises(BundleInvalid, match="is not what its digest says"):
        unpack(layout, manifest, tmp_path / "out")


@pytest.mark.parametrize("content", [b"no tar at all" * 100, b"\0" * 100, b"src" + b"\xff" * 509])
def test_what_is_no_archive_is_refused_or_empty(
    layout: Layout, tmp_path: Path, content: bytes
) -> None:
    manifest = {"layers": [store(layout, content)]}

    try:
        unpack(layout, manifest, tmp_path / "out")
    except BundleInvalid:
        assert not (tmp_path / "out").exists()
    else:
        assert list((tmp_path / "out/src").iterdir()) == []


@pytest.mark.parametrize("manifest", [{}, {"layers": 3}, {"layers": [{}]}, {"layers": ["x"]}])
def test_a_manifest_of_another_shape_is_refused(
    layout: Layout, tmp_path: Path, manifest: dict
) -> None:
    with pytest.raises(BundleInvalid, match="manifest is damaged"):
        unpack(layout, manifest, tmp_path / "out")
