import pytest

from coghub.domain.image_index import image_among

AMD64 = {"digest": "sha256:a", "platform": {"os": "linux", "architecture": "amd64"}}
ARM64 = {"digest": "sha256:b", "platform": {"os": "linux", "architecture": "arm64"}}
ATTESTATION = {"digest": "sha256:c", "platform": {"os": "unknown", "architecture": "unknown"}}


@pytest.mark.parametrize(
    ("manifest", "digest"),
    [
        ({"layers": []}, None),
        ({"manifests": [ATTESTATION, ARM64, AMD64]}, "sha256:a"),
        ({"manifests": [{"digest": "sha256:d"}]}, "sha256:d"),
        ({"manifests": []}, None),
    ],
)
def test_of_an_index_the_image_for_these_machines_is_run(manifest, digest):
    assert image_among(manifest) == digest
