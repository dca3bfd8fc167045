"""The image of a trained version holds the weights, and says so to whoever runs it."""

import io
import tarfile

import pytest

from coghub.domain.clock import utc_now
from coghub.domain.weights import Weights
from coghub.trainings.image_weights import (
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    LAYER,
    layer,
    path_in_image,
    with_parts,
    with_weights,
)
from coghub.trainings.kept_blobs import Blob, one_piece

DIGEST = f"sha256:{'a' * 64}"
ADDED = Blob(f"sha256:{'b' * 64}", 2048, utc_now())
HELD = Weights(DIGEST, "my weights.bin", 6)
ELSEWHERE = Weights("https://weights.example/lora.tar?x=1", "lora.tar")


async def read(weights, content):
    pieces = [it async for it in layer(weights, len(content), one_piece(content))]
    return tarfile.open(fileobj=io.BytesIO(b"".join(pieces)))


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 70_000])
async def test_a_layer_is_a_tar_of_the_weights_alone(size):
    with await read(HELD, b"x" * size) as archive:
        folder, file = archive.getmembers()

        assert (folder.name, folder.isdir(), folder.mode) == ("weights", True, 0o755)
        assert (file.name, file.mode, file.uid) == ("weights/my weights.bin", 0o644, 0)
        assert archive.extractfile(file).read() == b"x" * size


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "", "ä" * 150])
async def test_no_name_leads_out_of_its_folder(name):
    with await read(Weights(DIGEST, name, 1), b"x") as archive:
        [_, file] = archive.getnames()

    assert file.startswith("weights/")
    assert ".." not in file
    assert path_in_image(Weights(DIGEST, name, 1)) == f"/{file}"


@pytest.mark.parametrize(
    ("kind", "added"), [(DOCKER_MANIFEST, DOCKER_LAYER), ("application/vnd.oci.x", LAYER)]
)
def test_a_manifest_gets_the_layer_in_its_own_words(kind, added):
    config = {"mediaType": "config", "digest": DIGEST, "size": 1}
    manifest = {"mediaType": kind, "config": config, "layers": [{"digest": "first"}]}

    made = with_parts(manifest, Blob(DIGEST[::-1], 2, utc_now()), ADDED)

    assert made["config"] == {"mediaType": "config", "digest": DIGEST[::-1], "size": 2}
    assert made["layers"][0] == {"digest": "first"}
    assert made["layers"][1] == {"mediaType": added, "digest": ADDED.digest, "size": 2048}
    assert len(manifest["layers"]) == 1


def test_a_config_names_the_weights_and_the_layer():
    config = {
        "config": {"Env": ["PATH=/bin", "COG_WEIGHTS=/older"], "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": ["first"]},
        "history": [{"created_by": "RUN"}],
    }

    made = with_weights(config, HELD, ADDED)

    assert made["config"]["Env"] == ["PATH=/bin", "COG_WEIGHTS=/weights/my weights.bin"]
    assert made["config"]["Labels"] == {"a": "b"}
    assert made["rootfs"]["diff_ids"] == ["first", ADDED.digest]
    assert len(made["history"]) == 2


def test_weights_elsewhere_add_no_layer():
    made = with_weights({"config": {}, "rootfs": {"diff_ids": ["first"]}}, ELSEWHERE, None)

    assert made["config"]["Env"] == [f"COG_WEIGHTS={ELSEWHERE.place}"]
    assert made["rootfs"] == {"diff_ids": ["first"]}
    assert len(with_parts({"config": {}, "layers": [{}]}, ADDED, None)["layers"]) == 1
