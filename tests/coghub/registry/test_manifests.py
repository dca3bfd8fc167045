"""Manifests: pushed, pulled, tagged, listed, deleted."""

import json

import pytest
from oci_images import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    config,
    descriptor,
    encoded,
    error_code,
    index,
    manifest,
)

from coghub.domain.digest import digest_of

MANIFESTS = "/v2/alice/hello/manifests"
LAYER = b"a layer"


@pytest.fixture
async def pushed(as_alice):
    """The content of the manifest of an image that was pushed as `latest`."""
    answer, content = await as_alice.image("alice/hello", layers=(LAYER,))
    assert answer.status_code == 201, answer.text
    return content


async def test_a_push_is_answered_with_its_digest(as_alice):
    answer, content = await as_alice.image("alice/hello")

    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == digest_of(content)
    assert answer.headers["location"] == f"{MANIFESTS}/{digest_of(content)}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_manifest_is_found_by_tag_and_by_digest(as_alice, pushed, method):
    for reference in ("latest", digest_of(pushed)):
        answer = await as_alice(method, f"{MANIFESTS}/{reference}")

        assert answer.status_code == 200
        assert answer.headers["docker-content-digest"] == digest_of(pushed)
        assert answer.headers["content-type"] == OCI_MANIFEST
        assert answer.headers["content-length"] == str(len(pushed))
        assert answer.content == (pushed if method == "GET" else b"")


@pytest.mark.parametrize("reference", ["other", digest_of(b"other"), "-x", "x" * 200])
async def test_what_is_not_there(as_alice, pushed, reference):
    answer = await as_alice("GET", f"{MANIFESTS}/{reference}")

    assert (answer.status_code, error_code(answer)) == (404, "MANIFEST_UNKNOWN")


async def test_dockers_schema_2(as_alice):
    await as_alice.blob("alice/hello", config())
    await as_alice.blob("alice/hello", LAYER)
    content = manifest(config(), LAYER, config_type=DOCKER_CONFIG, media_type=DOCKER_MANIFEST)
    listed = index(content, media_type=DOCKER_LIST)

    one = await as_alice.manifest("alice/hello", digest_of(content), content)
    many = await as_alice.manifest("alice/hello", "latest", listed)

    assert (one.status_code, many.status_code) == (201, 201)
    answer = await as_alice("GET", f"{MANIFESTS}/latest")
    assert (answer.headers["content-type"], answer.content) == (DOCKER_LIST, listed)


async def test_an_index_names_manifests_that_are_there(as_alice, pushed):
    whole = await as_alice.manifest("alice/hello", "all", index(pushed))
    lacking = await as_alice.manifest("alice/hello", "more", index(pushed, manifest(b"x")))

    assert whole.status_code == 201
    assert (lacking.status_code, error_code(lacking)) == (404, "MANIFEST_BLOB_UNKNOWN")


async def test_a_manifest_names_blobs_of_its_own_repository(as_alice, pushed):
    await as_alice.blob("alice/other", config())

    answer = await as_alice.manifest("alice/other", "latest", pushed)

    assert (answer.status_code, error_code(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert (await as_alice("GET", "/v2/alice/other/tags/list")).status_code == 404


async def test_a_manifest_whose_layer_lost_its_content_is_refused(as_alice, pushed, hub):
    hub.storage.path_of(f"blobs/sha256/{digest_of(LAYER)[7:]}").unlink()

    answer = await as_alice.manifest("alice/hello", "again", pushed)

    assert (answer.status_code, error_code(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")


async def test_layers_that_are_elsewhere_need_not_be_here(as_alice):
    await as_alice.blob("alice/hello", config())
    foreign = descriptor(b"windows", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    content = json.loads(manifest(config()))
    content["layers"] = [foreign]

    answer = await as_alice.manifest("alice/hello", "latest", encoded(content), OCI_MANIFEST)

    assert answer.status_code == 201


async def test_another_digest_than_the_contents_is_refused(as_alice, pushed):
    answer = await as_alice.manifest("alice/hello", digest_of(b"other"), pushed)

    assert (answer.status_code, error_code(answer)) == (400, "DIGEST_INVALID")


GOOD = json.loads(manifest(config()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"[]",
        b"\xff\xfe",
        b'"\\ud800"',
        b"[" * 1_000_000,
        b'{"a":' * 500_000,
        b'{"schemaVersion":' + b"9" * 1_000_000 + b"}",
        encoded({}),
        encoded(GOOD | {"schemaVersion": 1}),
        encoded(GOOD | {"config": None}),
        encoded(GOOD | {"layers": [{}]}),
        encoded(GOOD | {"layers": [descriptor(b"x", "y") | {"size": -1}]}),
        encoded(GOOD | {"layers": [descriptor(b"x", "y") | {"digest": "../../key"}]}),
        encoded(GOOD | {"layers": [descriptor(b"x", "y")] * 10_001}),
        encoded(GOOD | {"mediaType": OCI_INDEX}),
        encoded(GOOD | {"annotations": {"a": 1}}),
        encoded(GOOD | {"subject": {"digest": "x"}}),
    ],
    ids=range(18),
)
async def test_what_is_no_manifest_is_refused(as_alice, pushed, content):
    answer = await as_alice.manifest("alice/hello", "bad", content, OCI_MANIFEST)

    assert (answer.status_code, error_code(answer)) == (400, "MANIFEST_INVALID")


async def test_what_is_too_large_is_refused(as_alice, pushed):
    answer = await as_alice.manifest("alice/hello", "big", b" " * 5_000_000, OCI_MANIFEST)

    assert (answer.status_code, error_code(answer)) == (413, "SIZE_INVALID")


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.docker.distribution.manifest.v1+prettyjws", "text/plain", "x" * 300],
)
async def test_other_kinds_of_manifests_are_refused(as_alice, pushed, media_type):
    answer = await as_alice.manifest("alice/hello", "other", pushed, media_type)

    assert (answer.status_code, error_code(answer)) == (400, "MANIFEST_INVALID")


async def test_a_tag_moves(as_alice, pushed):
    _, newer = await as_alice.image("alice/hello", layers=(b"newer",))

    assert (await as_alice("GET", f"{MANIFESTS}/latest")).content == newer
    assert (await as_alice("GET", f"{MANIFESTS}/{digest_of(pushed)}")).content == pushed


async def test_a_tag_is_deleted_alone(as_alice, pushed):
    answer = await as_alice("DELETE", f"{MANIFESTS}/latest")
    again = await as_alice("DELETE", f"{MANIFESTS}/latest")

    assert (answer.status_code, again.status_code) == (202, 404)
    assert (await as_alice("GET", f"{MANIFESTS}/{digest_of(pushed)}")).status_code == 200


async def test_a_manifest_is_deleted_with_its_tags(as_alice, pushed):
    answer = await as_alice("DELETE", f"{MANIFESTS}/{digest_of(pushed)}")
    again = await as_alice("DELETE", f"{MANIFESTS}/{digest_of(pushed)}")

    assert (answer.status_code, again.status_code) == (202, 404)
    assert (await as_alice("GET", f"{MANIFESTS}/latest")).status_code == 404
    assert (await as_alice("GET", "/v2/alice/hello/tags/list")).json()["tags"] == []


async def test_tags_are_listed_in_pages(as_alice, pushed):
    for tag in ("b", "a", "C", "1.0"):
        await as_alice.manifest("alice/hello", tag, pushed)
    url, pages = "/v2/alice/hello/tags/list?n=2", []

    while url:
        answer = await as_alice("GET", url)
        pages.append(answer.json()["tags"])
        url = answer.links.get("next", {}).get("url")

    assert pages == [["1.0", "C"], ["a", "b"], ["latest"]]
    whole = await as_alice("GET", "/v2/alice/hello/tags/list")
    assert whole.json() == {"name": "alice/hello", "tags": ["1.0", "C", "a", "b", "latest"]}
    assert "link" not in whole.headers


@pytest.mark.parametrize(("n", "status"), [("0", 200), ("-1", 400), ("x", 400), ("9" * 99, 200)])
async def test_a_page_has_a_size(as_alice, pushed, n, status):
    answer = await as_alice("GET", f"/v2/alice/hello/tags/list?n={n}")

    assert answer.status_code == status
    assert n != "0" or answer.json()["tags"] == []


async def test_tags_of_what_is_not_there(as_alice):
    answer = await as_alice("GET", "/v2/alice/nothing/tags/list")

    assert (answer.status_code, error_code(answer)) == (404, "NAME_UNKNOWN")


async def test_the_catalog_shows_what_may_be_read(as_alice, as_bob):
    await as_alice.image("alice/one")
    await as_alice.image("alice/two")
    await as_bob.image("bob/three")

    first = await as_alice("GET", "/v2/_catalog?n=1")
    rest = await as_alice("GET", first.links["next"]["url"])
    other = await as_bob("GET", "/v2/_catalog")

    assert first.json() == {"repositories": ["alice/one"]}
    assert rest.json() == {"repositories": ["alice/two"]}
    assert other.json() == {"repositories": ["bob/three"]}


async def referrer(client, subject, number, **more):
    content = manifest(
        config(),
        LAYER,
        subject=descriptor(subject, OCI_MANIFEST),
        annotations={"n": number},
        **more,
    )
    answer = await client.manifest("alice/hello", digest_of(content), content)
    assert answer.status_code == 201, answer.text
    assert answer.headers["oci-subject"] == digest_of(subject)
    return content


async def test_referrers_are_listed(as_alice, pushed):
    signature = await referrer(as_alice, pushed, "1", artifactType="application/x.signature")
    plain = await referrer(as_alice, pushed, "2")
    url = f"/v2/alice/hello/referrers/{digest_of(pushed)}"

    every = await as_alice("GET", url)
    some = await as_alice("GET", f"{url}?artifactType=application/x.signature")

    assert every.headers["content-type"] == OCI_INDEX
    found = {one["digest"]: one for one in every.json()["manifests"]}
    assert set(found) == {digest_of(signature), digest_of(plain)}
    first = found[digest_of(signature)]
    assert first["artifactType"] == "application/x.signature"
    assert (first["annotations"], first["size"]) == ({"n": "1"}, len(signature))
    assert found[digest_of(plain)]["artifactType"] == "application/vnd.oci.image.config.v1+json"
    assert [one["digest"] for one in some.json()["manifests"]] == [digest_of(signature)]
    assert some.headers["oci-filters-applied"] == "artifactType"


async def test_a_manifest_may_refer_to_one_that_is_not_there_yet(as_alice, pushed):
    later = manifest(config(), LAYER, annotations={"comes": "later"})
    await referrer(as_alice, later, "1")

    answer = await as_alice("GET", f"/v2/alice/hello/referrers/{digest_of(later)}")

    assert len(answer.json()["manifests"]) == 1


async def test_nothing_refers_to_it(as_alice, pushed):
    answer = await as_alice("GET", f"/v2/alice/hello/referrers/{digest_of(b'x')}")

    assert (answer.status_code, answer.json()["manifests"]) == (200, [])
