"""Clients that others wrote push to the hub and pull from it."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from coghub.build.oci import CONFIG, LAYER, MANIFEST, Layout

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
pytestmark = pytest.mark.slow


def image_layout(folder: Path, layers: int = 2) -> Path:
    """Make an OCI layout with one image, `it:latest`, and return its folder."""
    layout = Layout(folder)
    described = []
    for number in range(layers):
        with layout.new_blob() as blob:
            blob.write(bytes([number]) * 3_000_000)
        described.append({"mediaType": LAYER, "digest": blob.digest, "size": blob.size})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in described]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(config, CONFIG).as_json(),
        "layers": described,
    }
    digest = layout.add_json(manifest, MANIFEST)
    layout.write_names({"latest": digest.digest}, "application/vnd.test")
    return folder


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@needs_skopeo
async def test_skopeo_pushes_and_pulls(address, token, tmp_path):
    folder = image_layout(tmp_path / "image")
    there = f"docker://{address}/alice/hello:latest"

    await run(
        "skopeo",
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
        f"--dest-creds=alice:{token}",
        f"oci:{folder}:latest",
        there,
    )
    await run(
        "skopeo",
        "copy",
        "--src-tls-verify=false",
        f"--src-creds=alice:{token}",
        there,
        f"dir:{tmp_path / 'back'}",
    )

    manifest = json.loads((tmp_path / "back" / "manifest.json").read_text())
    assert [layer["size"] for layer in manifest["layers"]] == [3_000_000, 3_000_000]
