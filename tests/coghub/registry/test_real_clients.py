"""Clients that others wrote push to the hub and pull from it."""

import asyncio
import json
import os
import shutil
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import oras.client
import pytest
from oci_images import BUNDLE

from coghub.build.oci import CONFIG, INDEX, LAYER, MANIFEST, Layout

pytestmark = pytest.mark.slow
needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
needs_registry = pytest.mark.skipif(
    shutil.which("docker-registry") is None, reason="docker-registry is not installed"
)
LIMIT_S = 60.0
LAYER_BYTES = 3_000_000


def add_image(layout: Layout, labels=None, layers=2):
    """Store an image and return the descriptor of its manifest."""
    described = []
    for _ in range(layers):
        with layout.new_blob() as blob:
            blob.write(os.urandom(LAYER_BYTES))
        described.append({"mediaType": LAYER, "digest": blob.digest, "size": blob.size})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": labels or {}},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in described]},
    }
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": described}
    content["config"] = layout.add_json(config, CONFIG).as_json()
    return layout.add_json(content, MANIFEST)


def image(folder: Path, labels=None) -> str:
    """Make an OCI layout with one image, and return how skopeo calls it."""
    layout = Layout(folder)
    layout.write_names({"latest": add_image(layout, labels).digest}, "application/vnd.test")
    return f"oci:{folder}:latest"


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    with anyio.fail_after(LIMIT_S):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.fixture
def copy(token):
    """Run `skopeo copy`, logged in at the hub."""

    async def copied(source: str, target: str, *options: str) -> None:
        source_options = ["--src-tls-verify=false", f"--src-creds=alice:{token}"]
        target_options = ["--dest-tls-verify=false", f"--dest-creds=alice:{token}"]
        both = [
            *(source_options if source.startswith("docker:") else []),
            *(target_options if target.startswith("docker:") else []),
        ]
        await run("skopeo", "copy", "--insecure-policy", *both, *options, source, target)

    return copied


def blobs_of(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (folder / "blobs/sha256").iterdir()}


@needs_skopeo
async def test_skopeo_pushes_and_pulls(address, copy, tmp_path):
    there = f"docker://{address}/alice/hello:latest"

    await copy(image(tmp_path / "image"), there, "--preserve-digests")
    await copy(there, f"oci:{tmp_path / 'back'}:latest", "--preserve-digests")

    assert blobs_of(tmp_path / "back") == blobs_of(tmp_path / "image")


@needs_skopeo
async def test_skopeo_pushes_a_bundle_which_becomes_a_version(address, copy, hub, alice, tmp_path):
    await copy(image(tmp_path / "image", BUNDLE), f"docker://{address}/alice/hello:v1")

    (version,) = await hub.models.versions(alice, "alice", "hello")
    assert version.is_bundle


@needs_skopeo
async def test_skopeo_copies_from_one_model_to_another(address, copy, tmp_path):
    one, other = f"docker://{address}/alice/one:latest", f"docker://{address}/alice/other:latest"
    await copy(image(tmp_path / "image"), one)

    await copy(one, other)
    await copy(other, f"dir:{tmp_path / 'back'}")

    manifest = json.loads((tmp_path / "back" / "manifest.json").read_text())
    assert len(manifest["layers"]) == 2


@needs_skopeo
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
async def test_skopeo_copies_archives(address, copy, tmp_path, form):
    there = f"docker://{address}/alice/hello:latest"
    await copy(image(tmp_path / "image"), f"{form}:{tmp_path / 'image.tar'}:hello:latest")

    await copy(f"{form}:{tmp_path / 'image.tar'}", there)
    await copy(there, f"{form}:{tmp_path / 'back.tar'}:hello:latest")

    assert (tmp_path / "back.tar").stat().st_size >= 2 * LAYER_BYTES


@needs_skopeo
@pytest.mark.parametrize("form", ["oci", "v2s2"])
async def test_skopeo_pushes_both_kinds_of_manifests(address, copy, token, tmp_path, form):
    there = f"docker://{address}/alice/hello:latest"

    await copy(image(tmp_path / "image"), there, "--format", form)

    login = ("--tls-verify=false", f"--creds=alice:{token}")
    raw = json.loads(await run("skopeo", "inspect", "--raw", *login, there))
    assert ("docker" in raw["mediaType"]) == (form == "v2s2")


@needs_skopeo
async def test_skopeo_copies_an_index_with_all_its_images(address, copy, tmp_path):
    layout = Layout(tmp_path / "image")
    images = [add_image(layout, layers=1) for _ in range(2)]
    entries = [
        one.as_json() | {"platform": {"os": "linux", "architecture": architecture}}
        for one, architecture in zip(images, ("amd64", "arm64"), strict=True)
    ]
    content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    index = layout.add_json(content, INDEX)
    layout.write_names({"latest": index.digest}, "application/vnd.test")
    listed = json.loads((tmp_path / "image" / "index.json").read_text())
    listed["manifests"][0] |= {"mediaType": INDEX, "size": index.size}
    (tmp_path / "image" / "index.json").write_text(json.dumps(listed))
    there = f"docker://{address}/alice/hello:latest"

    await copy(f"oci:{tmp_path / 'image'}:latest", there, "--all")
    await copy(there, f"dir:{tmp_path / 'back'}", "--all")

    manifest = json.loads((tmp_path / "back" / "manifest.json").read_text())
    assert len(manifest["manifests"]) == 2


@needs_skopeo
async def test_skopeo_lists_tags_and_deletes(address, copy, token, tmp_path):
    there = f"docker://{address}/alice/hello"
    await copy(image(tmp_path / "image"), f"{there}:one")
    await copy(f"{there}:one", f"{there}:two")

    login = ("--tls-verify=false", f"--creds=alice:{token}")
    tags = json.loads(await run("skopeo", "list-tags", *login, there))["Tags"]
    await run("skopeo", "delete", *login, f"{there}:one")

    assert tags == ["one", "two"]


@needs_skopeo
async def test_skopeo_logs_in(address, token, tmp_path):
    login = ("--tls-verify=false", "--authfile", str(tmp_path / "auth.json"))

    output = await run("skopeo", "login", *login, "-u", "alice", "-p", token, address)

    assert "Login Succeeded" in output


@asynccontextmanager
async def other_registry(folder: Path):
    """Run CNCF distribution's registry, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = folder / "registry.yml"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    process = await asyncio.create_subprocess_exec(
        "docker-registry",
        "serve",
        str(settings),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        with anyio.fail_after(LIMIT_S):
            while b"listening on" not in await process.stderr.readline():
                pass
        drained = asyncio.create_task(process.stderr.read())
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
    await drained


@needs_skopeo
@needs_registry
async def test_an_image_moves_between_cncfs_registry_and_us(address, copy, tmp_path):
    image(tmp_path / "image")
    async with other_registry(tmp_path) as other:
        theirs = f"docker://{other}/some/where:latest"
        ours = f"docker://{address}/alice/hello:latest"

        await copy(f"oci:{tmp_path / 'image'}:latest", theirs, "--preserve-digests")
        await copy(theirs, ours, "--preserve-digests")
        await copy(ours, theirs.replace("where", "else"), "--preserve-digests")
        await copy(
            theirs.replace("where", "else"), f"oci:{tmp_path / 'back'}:latest", "--preserve-digests"
        )

    assert blobs_of(tmp_path / "back") == blobs_of(tmp_path / "image")


@pytest.mark.parametrize("backend", ["basic", "token"])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_oras_pushes_and_pulls_files(
    address, token, tmp_path, monkeypatch, backend, is_chunked
):
    source = tmp_path / "source"
    source.mkdir()
    (source / "weights.bin").write_bytes(os.urandom(LAYER_BYTES))
    monkeypatch.chdir(source)

    def exchange():
        client = oras.client.OrasClient(hostname=address, insecure=True, auth_backend=backend)
        config = str(tmp_path / "config.json")
        client.login(hostname=address, username="alice", password=token, config_path=config)
        target = f"{address}/alice/files:v1"
        client.push(target, files=["weights.bin"], do_chunked=is_chunked, chunk_size=1_000_000)
        client.pull(target=target, outdir=str(tmp_path / "back"))
        return client.get_tags(f"{address}/alice/files")

    monkeypatch.setenv("HOME", str(tmp_path))  # it would write into the user's own otherwise
    tags = await asyncio.to_thread(exchange)

    assert tags == ["v1"]
    pulled = tmp_path / "back" / "weights.bin"
    assert pulled.read_bytes() == (source / "weights.bin").read_bytes()
