"""Bundles from one machine to another, through a registry."""

import json
import shutil
import subprocess
from dataclasses import replace

import pytest
from tests.fakes.fake_registry import Fault

from coghub.build.bundle import Store
from coghub.build.events import ignore
from coghub.build.registry_client.manifests import published_document
from coghub.build.registry_client.pull import pull
from coghub.build.registry_client.push import Parcel, push
from coghub.build.registry_client.reference import parse_reference
from coghub.domain.errors import (
    BundleInvalid,
    RegistryError,
    RegistryRefused,
    RemoteNotFound,
)

HELLO = parse_reference("alice/hello")
SMALL = {"COG_PUSH_DEFAULT_CHUNK_SIZE": "300000", "COG_PUSH_MULTIPART_THRESHOLD": "400000"}


def push_bundle(store, bundle, registry, repository="alice/hello", tag="latest"):
    parcel = Parcel(store.layout, bundle.digest, bundle.name)
    settings = store.settings
    return push(parcel, registry, repository, tag=tag, settings=settings, report=ignore)


@pytest.fixture
def push_from(write_bundle):
    def pushed(client, repository="alice/hello", tag="latest"):
        store = Store(client.settings)
        bundle = write_bundle(store)
        with client.open() as registry:
            return bundle, push_bundle(store, bundle, registry, repository, tag)

    return pushed


def pull_to(client, reference=HELLO, name="hello:latest"):
    store = Store(client.settings)
    with client.open() as registry:
        return store, pull(store, registry, reference, name=name, report=ignore)


@pytest.mark.slow
def test_a_bundle_survives_the_road_through_the_cncfs_registry(
    docker_registry, make_client, push_from, project
):
    sender = make_client(docker_registry, "sender", **SMALL)
    written, pushed = push_from(sender)

    store, found = pull_to(make_client(docker_registry, "receiver"))

    assert found.digest == written.digest == pushed.digest
    assert found.labels == written.labels
    folder = store.unpack(found)
    for name in ("predict.py", "weights.bin"):
        assert (folder / name).read_bytes() == (project / name).read_bytes()


@pytest.mark.slow
def test_a_change_of_code_sends_kilobytes(docker_registry, make_client, push_from, project):
    sender = make_client(docker_registry, "sender", **SMALL)
    first = push_from(sender, "alice/changing")[1]
    again = push_from(sender, "alice/changing")[1]

    (project / "predict.py").write_text("changed = True\n")
    changed = push_from(sender, "alice/changing")[1]

    assert first.sent_bytes > 1_280_000
    assert again == replace(first, sent_bytes=0, spared_bytes=first.sent_bytes)
    assert 0 < changed.sent_bytes < 40_000


@pytest.mark.slow
def test_another_model_mounts_what_the_first_sent(docker_registry, make_client, push_from):
    sender = make_client(docker_registry, "sender", **SMALL)
    push_from(sender, "alice/one")

    pushed = push_from(sender, "alice/two")[1]

    assert pushed.sent_bytes < 40_000


@pytest.mark.slow
def test_skopeo_reads_what_was_pushed(docker_registry, make_client, push_from):
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        pytest.skip("needs skopeo, a package of Debian")
    written, _ = push_from(make_client(docker_registry, "sender"), "alice/seen", "v1")

    name = f"docker://{docker_registry}/alice/seen:v1"
    answer = subprocess.run(
        [skopeo, "inspect", "--tls-verify=false", name], capture_output=True, check=True
    )

    seen = json.loads(answer.stdout)
    assert (seen["Digest"], seen["RepoTags"]) == (written.digest, ["v1"])
    assert seen["Labels"] == written.labels


def test_the_manifest_comes_last(fake, client, push_from):
    _, pushed = push_from(client)

    assert fake.log[-1][:2] == ("PUT", "/v2/alice/hello/manifests/latest")
    assert len(fake.blobs) == 3
    assert pushed.size_bytes == len(fake.manifests["alice/hello", "latest"])


def test_the_first_failure_ends_the_push(fake, client, push_from):
    fake.fail("POST", "", status=403, times=99)

    with pytest.raises(RegistryError, match="denied"):
        push_from(client)

    assert fake.manifests == {}


def test_a_blob_that_was_tidied_up_meanwhile_is_sent_once_more(fake, client, push_from):
    body = b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"gone"}]}'
    fake.fail("PUT", "/manifests/", status=404, body=body)

    written, _ = push_from(client)

    assert len(fake.seen("HEAD", "/blobs/")) == 6
    assert ("alice/hello", "latest") in fake.manifests
    assert written.digest


def test_a_registry_that_understood_something_else_is_noticed(fake, client, push_from):
    digest = "sha256:" + "0" * 64
    fake.fail("PUT", "/manifests/", status=201, headers={"Docker-Content-Digest": digest})

    with pytest.raises(RegistryError, match="another manifest"):
        push_from(client)


def test_a_lost_blob_of_the_store_is_said(client, write_bundle):
    store = Store(client.settings)
    bundle = write_bundle(store)
    manifest = store.layout.read_json(bundle.digest)
    store.layout.path_of(manifest["layers"][0]["digest"]).unlink()

    with client.open() as registry, pytest.raises(BundleInvalid, match="a blob is missing"):
        push_bundle(store, bundle, registry)


def test_the_document_of_a_tag_is_read_before_anything_is_sent(fake, client, push_from):
    written, _ = push_from(client)

    with client.open() as registry:
        assert published_document(registry, "alice/hello", "v2") == written.document
        assert published_document(registry, "alice/other", "latest") is None


def test_a_pull_takes_what_the_store_has(fake, client, make_client, push_from, project):
    push_from(client)
    receiver = make_client(fake.url)
    pull_to(receiver)
    (project / "predict.py").write_text("changed = True\n")
    written, _ = push_from(client)
    before = len(fake.seen("GET", "/blobs/"))

    store, found = pull_to(receiver)

    assert found.digest == written.digest == store.find("hello").digest
    assert len(fake.seen("GET", "/blobs/")) - before == 2  # the config, and the layer of code


def test_a_pull_that_broke_leaves_no_name_and_goes_on(fake, client, make_client, push_from):
    written, _ = push_from(client)
    fake.fail("GET", "/blobs/", cut_after=1_200_000)
    fake.fail("GET", "/blobs/", status=403, times=99)
    receiver = make_client(fake.url, COG_PUSH_CONCURRENCY="1")
    with pytest.raises(RegistryRefused):
        pull_to(receiver)
    assert Store(receiver.settings).list() == ()

    fake.faults.clear()
    store, found = pull_to(receiver)

    assert found.digest == written.digest
    assert list(store.incoming.iterdir()) == []
    assert any((headers["Range"] or "") > "bytes=1" for _, headers in fake.seen("GET", "/blobs/"))


def test_what_a_broken_pull_left_can_be_pruned(fake, client, make_client, push_from):
    push_from(client)
    fake.fail("GET", "/blobs/", cut_after=1_200_000)
    fake.fail("GET", "/blobs/", status=403, times=99)
    receiver = make_client(fake.url, COG_PUSH_CONCURRENCY="1")
    with pytest.raises(RegistryRefused):
        pull_to(receiver)
    store = Store(receiver.settings)
    assert list(store.incoming.glob("*.part")) != []

    store.prune()

    assert list(store.incoming.iterdir()) == []


def test_a_pull_by_digest_has_a_name_of_its_own(fake, client, make_client, push_from):
    written, _ = push_from(client)
    fake.manifests["alice/hello", written.digest] = fake.manifests["alice/hello", "latest"]
    reference = parse_reference(f"hub.example/alice/hello@{written.digest}")

    store, found = pull_to(make_client(fake.url), reference, reference.name)

    assert store.find(reference.name) == found


def change(fake, **fields):
    manifest = json.loads(fake.manifests["alice/hello", "latest"])
    manifest.update(fields)
    fake.manifests["alice/hello", "latest"] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"artifactType": "x"}, "Not a bundle but an image"),
        ({"manifests": []}, "Not a bundle but a list of images"),
        ({"layers": "x"}, "The manifest has no layers"),
        ({"layers": [{"mediaType": "a", "digest": "sha256:../../x", "size": 1}]}, "damaged"),
        ({"layers": [{"mediaType": "a", "digest": "sha256:" + "0" * 64, "size": -1}]}, "damaged"),
        ({"layers": [{"mediaType": "a", "digest": "sha256:" + "0" * 64, "size": 1}]}, "of a kind"),
        ({"config": None}, "damaged"),
        ({"padding": "x" * 5_000_000}, "The manifest is larger than"),
    ],
)
def test_what_is_no_bundle_is_not_taken_in(fake, client, make_client, push_from, fields, message):
    push_from(client)
    change(fake, **fields)

    with pytest.raises(BundleInvalid, match=message):
        pull_to(make_client(fake.url))


def test_a_model_that_may_not_be_pushed_to_is_told_in_the_words_of_the_hub(fake, client, push_from):
    said = "No model named `bob/x` that you may see"
    body = json.dumps({"errors": [{"code": "NAME_UNKNOWN", "message": said}]}).encode()
    fake.faults.append(Fault("POST", "/blobs/uploads/", status=404, body=body, times=99))

    with pytest.raises(RemoteNotFound, match=rf" says: {said}$") as refused:
        push_from(client)

    assert refused.value.hint.startswith("Log in as its owner: `cog login ")


@pytest.mark.parametrize("content", [b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_manifest_that_is_none_is_refused(fake, client, content):
    fake.manifests["alice/hello", "latest"] = content

    with pytest.raises(BundleInvalid, match="The manifest is not"):
        pull_to(client)


def test_a_manifest_with_another_digest_is_refused(fake, client, push_from):
    written, _ = push_from(client)
    fake.manifests["alice/hello", written.digest] = b'{"forged": true}'

    with pytest.raises(BundleInvalid, match="not what its digest says"):
        pull_to(client, parse_reference(f"alice/hello@{written.digest}"))


def test_what_another_build_tidied_up_during_a_pull_is_fetched_again(
    fake, client, make_client, push_from, monkeypatch
):
    """The store says that it has a blob which is gone when the pull comes to its end."""
    written, _ = push_from(client)
    receiver = make_client(fake.url)
    answers = iter([True])
    honest = Store.has
    monkeypatch.setattr(Store, "has", lambda self, blob: next(answers, False) or honest(self, blob))

    _, found = pull_to(receiver)

    assert found.digest == written.digest
