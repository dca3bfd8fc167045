"""`cog push` of images: to CNCF's registry and to a hub, and what Docker makes of it there."""

import json
import os
import shutil
import subprocess
import urllib.request

import pytest
from tests.acceptance.conftest import Person, free_port

from coghub.build.oci import MANIFEST

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """The host of CNCF distribution's registry, without a login."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("no `docker-registry`")
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    (folder / "config.yml").write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/content}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", folder / "config.yml"], stdout=log, stderr=log
        )
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture
def cog(example, docker_engine, tmp_path):
    local = example("hello-world")
    own = {"HOME": str(tmp_path), "COG_CACHE_DIR": str(tmp_path / "cache")}
    return Person(local.folder, {**local.environ, **docker_engine.environ, **own})


def id_of(docker_engine, name):
    return docker_engine.run("image", "inspect", "--format", "{{.Id}}", name)


def test_an_image_in_a_registry_is_the_one_that_was_built(cog, docker_engine, registry):
    name = f"{registry}/alice/hello"

    done = cog("push", name)

    assert done.stdout.startswith("latest: digest: sha256:"), done.stderr
    built = id_of(docker_engine, name)
    docker_engine.run("rmi", name)
    docker_engine.run("pull", "--quiet", name)
    assert id_of(docker_engine, name) == built
    assert cog("predict", name, "-i", "text=registry").stdout == "hello registry\n"
    docker_engine.run("rmi", name)
    assert cog("predict", name, "-i", "text=pulled").stdout == "hello pulled\n"
    docker_engine.run("rmi", name)


def test_large_layers_are_sent_while_they_come(cog, docker_engine, registry):
    name = f"{registry}/alice/large"
    (cog.folder / "weights.bin").write_bytes(os.urandom(70 * 1024**2))

    first = cog("push", name)

    assert first.returncode == 0, first.stderr
    sent = float(first.stderr.partition("Sent ")[2].partition(" MB")[0])
    address = f"http://{registry}/v2/alice/large/manifests/latest"
    asked = urllib.request.Request(address, headers={"Accept": MANIFEST})
    with urllib.request.urlopen(asked) as answer:
        manifest = json.load(answer)
    there = sum(blob["size"] for blob in [manifest["config"], *manifest["layers"]])
    assert sent == pytest.approx(there / 10**6, abs=1)  # each byte went once
    built = id_of(docker_engine, name)
    docker_engine.run("rmi", name)
    docker_engine.run("pull", "--quiet", name)
    assert id_of(docker_engine, name) == built
    docker_engine.run("rmi", name)


def test_a_second_push_sends_what_changed(cog, docker_engine, registry):
    name = f"{registry}/alice/second"
    config = cog.folder / "cog.yaml"  # an environment of its own, which no other test makes anew
    config.write_text(config.read_text() + f'environment:\n  - "OF={cog.folder.name}"\n')
    first = cog("push", name)
    source = cog.folder / "predict.py"
    source.write_text(source.read_text() + "\n# another line\n")

    second = cog("push", name)

    assert "the registry had 0 B" in first.stderr
    sent = second.stderr.partition("Sent ")[2].partition(";")[0]
    assert sent.endswith((" B", " KB"))
    assert not list((cog.folder.parent / "cache").glob("exports/*"))
    docker_engine.run("rmi", name)


def test_docker_push_itself_can_be_asked_for(cog, docker_engine, registry):
    name = f"{registry}/alice/third"

    done = cog("push", name, COG_PUSH_OCI="0")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("latest: digest: sha256:")
    with urllib.request.urlopen(f"http://{registry}/v2/alice/third/tags/list") as answer:
        assert json.load(answer)["tags"] == ["latest"]
    docker_engine.run("rmi", name)


def test_a_registry_that_is_not_there_is_told_before_anything_is_built(cog):
    done = cog("push", f"127.0.0.1:{free_port()}/alice/hello")

    assert done.returncode == 1
    assert "error: No connection to" in done.stderr
    assert "Building" not in done.stderr


def test_docker_itself_pushes_to_a_hub_and_pulls_from_it(started, cog, docker_engine):
    there = started()
    host, owner = there.hub.address.removeprefix("http://"), there.hub.administrator
    name = f"{host}/{owner}/hello"
    cog("build", "-t", name)
    login = ["login", host, "--username", owner, "--password-stdin"]
    docker_engine.run(*login, given=there.hub.token.encode())

    docker_engine.run("push", "--quiet", name)

    built = id_of(docker_engine, name)
    version = there.hub.get(f"/v1/models/{owner}/hello")["latest_version"]["id"]
    assert there.predict(version, text="hub")["output"] == "hello hub"
    docker_engine.run("rmi", name)
    docker_engine.run("pull", "--quiet", name)
    assert id_of(docker_engine, name) == built
    docker_engine.run("rmi", name)


def test_a_hub_that_runs_bundles_only_refuses_an_image_with_the_reason(started, cog):
    there = started(executor="local")
    host, owner = there.hub.address.removeprefix("http://"), there.hub.administrator
    cog("login", there.hub.address, "--token-stdin", stdin=there.hub.token)

    done = cog("push", "--image", f"{host}/{owner}/hello")

    assert done.returncode == 1
    assert "This hub runs bundles only" in done.stderr
