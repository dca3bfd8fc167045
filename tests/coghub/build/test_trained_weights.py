"""Weights that a training gave a bundle are shown as a file with their own name."""

import json

import pytest

from coghub.build.oci import Layout
from coghub.build.trained_weights import blobs_of, placed
from coghub.domain.errors import BundleInvalid
from coghub.domain.weights import NAME, PLACE, SIZE, weights_of


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "store")


@pytest.fixture
def digest(layout):
    with layout.new_blob() as blob:
        blob.write(b"learnt")
    return blob.digest


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    return folder


def manifest_of(place, name="weights.bin", size="6"):
    return {"annotations": {PLACE: place, NAME: name, SIZE: size}}


def test_weights_lie_beside_the_project_under_their_name(layout, folder, digest):
    shown = [placed(layout, manifest_of(digest, "my weights.txt"), folder) for _ in range(2)]

    assert shown == [str(folder / "weights" / "my weights.txt")] * 2
    assert (folder / "weights" / "my weights.txt").read_bytes() == b"learnt"
    assert blobs_of(manifest_of(digest)) == {digest}


@pytest.mark.parametrize("name", ["../../up", "/etc/passwd", "..", ".", "", "a/b", "a\0b"])
def test_no_name_leads_out_of_the_folder(layout, folder, digest, name):
    shown = placed(layout, manifest_of(digest, name), folder)

    assert (folder / "weights").samefile(shown.rpartition("/")[0])


def test_weights_elsewhere_are_a_url(layout, folder):
    place = "https://weights.example/a.tar"

    assert placed(layout, manifest_of(place), folder) == place
    assert blobs_of(manifest_of(place)) == set()


def test_a_bundle_without_a_training_has_none(layout, folder):
    assert placed(layout, {}, folder) is None
    assert blobs_of({"annotations": None}) == set()


@pytest.mark.parametrize("place", ["/etc/passwd", "file:///etc/passwd", f"sha256:{'0' * 64}"])
def test_weights_that_are_not_there_are_refused(layout, folder, place):
    with pytest.raises(BundleInvalid):
        placed(layout, manifest_of(place), folder)


@pytest.mark.parametrize(("size", "told"), [("6", 6), ("-1", None), ("9" * 30, None), ("", None)])
def test_a_size_is_a_number_or_unknown(digest, size, told):
    read = json.loads(json.dumps(manifest_of(digest, size=size)))

    assert weights_of(read).size_bytes == told
