"""What is pushed with Cog's labels becomes a version of the model."""

import json

import pytest
from oci_images import (
    BUNDLE,
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    SCHEMA,
    config,
    encoded,
    error_code,
    hex_of,
    index,
    manifest,
)

from coghub.domain.digest import digest_of
from coghub.domain.model import Visibility


@pytest.fixture
def versions(hub, alice):
    """Return the ids of the versions of a model, newest first."""

    async def found(name="hello"):
        return [one.id for one in await hub.models.versions(alice, "alice", name)]

    return found


async def latest(hub, alice):
    return (await hub.models.get(alice, "alice", "hello")).latest_version


async def test_the_first_push_makes_a_private_model_and_its_version(hub, alice, as_alice):
    answer, content = await as_alice.image("alice/hello", BUNDLE)

    assert answer.status_code == 201
    model = await hub.models.get(alice, "alice", "hello")
    version = model.latest_version
    assert model.visibility is Visibility.PRIVATE
    assert version.id == hex_of(content)
    assert version.cog_version == "0.23.1"
    assert version.openapi_schema == SCHEMA
    assert version.config == {"predict": "predict.py:Predictor"}
    assert version.is_bundle


async def test_a_push_again_makes_no_second_version_and_is_the_latest(
    hub, alice, as_alice, versions
):
    _, first = await as_alice.image("alice/hello", BUNDLE, layers=(b"one",))
    _, second = await as_alice.image("alice/hello", BUNDLE, layers=(b"two",))
    assert (await latest(hub, alice)).id == hex_of(second)

    await as_alice.image("alice/hello", BUNDLE, layers=(b"one",))

    assert sorted(await versions()) == sorted([hex_of(first), hex_of(second)])
    assert (await latest(hub, alice)).id == hex_of(first)


async def test_the_same_image_is_a_version_of_two_models(as_alice, versions):
    _, content = await as_alice.image("alice/hello", BUNDLE)
    await as_alice.image("alice/other", BUNDLE)

    assert await versions("hello") == await versions("other") == [hex_of(content)]


async def test_labels_of_old_images_count_where_new_ones_lack(hub, alice, as_alice):
    old = {key.replace("run.cog.", "org.cogmodel."): value for key, value in BUNDLE.items()}
    labels = old | {"run.cog.version": "0.9.9", "run.cog.bundle": "1"}

    await as_alice.image("alice/hello", labels)

    version = await latest(hub, alice)
    assert (version.cog_version, version.openapi_schema) == ("0.9.9", SCHEMA)


async def test_other_images_are_stored_without_a_version(as_alice, versions):
    answer, _ = await as_alice.image("alice/hello", {"maintainer": "alice"})

    assert answer.status_code == 201
    assert await versions() == []


async def test_other_artifacts_are_stored_without_a_version(as_alice, versions):
    await as_alice.blob("alice/hello", b"no JSON")
    content = manifest(b"no JSON", config_type="application/vnd.cog.weight.config.v1+json")

    answer = await as_alice.manifest("alice/hello", "weights", content)

    assert answer.status_code == 201
    assert await versions() == []


@pytest.mark.parametrize(
    "change",
    [
        {"run.cog.openapi_schema": None},
        {"run.cog.openapi_schema": "nothing"},
        {"run.cog.openapi_schema": "[]"},
        {"run.cog.openapi_schema": "{}"},
        {"run.cog.openapi_schema": json.dumps({"components": []})},
        {"run.cog.openapi_schema": json.dumps({"components": {"schemas": 1}})},
        {"run.cog.openapi_schema": "[" * 100_000},
        {"run.cog.config": "[]"},
        {"run.cog.version": "9" * 100},
    ],
    ids=str,
)
async def test_labels_that_cog_does_not_write_are_refused(hub, alice, as_alice, versions, change):
    labels = {key: value for key, value in (BUNDLE | change).items() if value is not None}

    answer, content = await as_alice.image("alice/hello", labels)

    assert (answer.status_code, error_code(answer)) == (400, "MANIFEST_INVALID")
    assert (
        await as_alice("GET", f"/v2/alice/hello/manifests/{digest_of(content)}")
    ).status_code == 404


@pytest.mark.parametrize(
    "content", [b"nothing", b"[]", encoded({"config": {"Labels": {"a": 1}}}), b"[" * 100_000]
)
async def test_a_config_that_is_none_is_refused(as_alice, content):
    await as_alice.blob("alice/hello", content)

    answer = await as_alice.manifest("alice/hello", "latest", manifest(content))

    assert (answer.status_code, error_code(answer)) == (400, "MANIFEST_INVALID")


async def test_a_config_above_the_limit_is_refused(as_alice):
    content = b" " * (8 * 1024**2) + config()
    await as_alice.blob("alice/hello", content)

    answer = await as_alice.manifest("alice/hello", "latest", manifest(content))

    assert (answer.status_code, error_code(answer)) == (400, "MANIFEST_INVALID")


async def test_what_nothing_here_can_run_is_refused_with_the_reason(as_alice):
    labels = {key: value for key, value in BUNDLE.items() if key != "run.cog.bundle"}

    answer, _ = await as_alice.image("alice/hello", labels)

    assert (answer.status_code, error_code(answer)) == (400, "UNSUPPORTED")
    assert "runs bundles only" in answer.json()["errors"][0]["message"]


async def test_an_index_is_a_version_by_its_image(hub, alice, as_alice, versions):
    """Cog pushes a model with weights so: the image first, then an index at the model's tag."""
    await as_alice.blob("alice/hello", b"weights")
    weights = manifest(b"weights", config_type="application/vnd.cog.weight.config.v1+json")
    await as_alice.manifest("alice/hello", digest_of(weights), weights)
    _, image = await as_alice.image("alice/hello", BUNDLE, tag="cog-image.latest")
    assert await versions() == []

    whole = index(weights, image)
    answer = await as_alice.manifest("alice/hello", "latest", whole)

    assert answer.status_code == 201
    assert await versions() == [hex_of(whole)]


async def test_dockers_manifest_is_a_version_too(as_alice, versions):
    for blob in (config(BUNDLE), b"layer"):
        await as_alice.blob("alice/hello", blob)
    content = manifest(
        config(BUNDLE), b"layer", config_type=DOCKER_CONFIG, media_type=DOCKER_MANIFEST
    )

    await as_alice.manifest("alice/hello", "latest", content)

    assert await versions() == [hex_of(content)]


async def test_a_version_is_not_deleted_through_the_registry(as_alice, versions):
    _, content = await as_alice.image("alice/hello", BUNDLE)

    answer = await as_alice("DELETE", f"/v2/alice/hello/manifests/{digest_of(content)}")
    untagged = await as_alice("DELETE", "/v2/alice/hello/manifests/latest")

    assert (answer.status_code, error_code(answer)) == (405, "UNSUPPORTED")
    assert untagged.status_code == 202
    assert await versions() == [hex_of(content)]


async def test_an_index_that_names_an_image_many_times(as_alice, versions):
    _, image = await as_alice.image("alice/hello", tag="image")
    whole = index(*[image] * 5000)

    answer = await as_alice.manifest("alice/hello", "latest", whole)

    assert answer.status_code == 201
    assert await versions() == []
