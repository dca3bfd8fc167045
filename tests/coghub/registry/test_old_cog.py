"""Cog up to 0.16 logs in by its own flow of a token, and Docker then pushes for it.

The steps are those that the command and the Docker engine take, one by one.
"""

import base64

from oci_images import BUNDLE, DOCKER_CONFIG, DOCKER_MANIFEST, config, hex_of, manifest

from coghub.domain.digest import digest_of


async def test_an_old_cog_logs_in_and_pushes(hub, alice, as_nobody, token):
    page = (await as_nobody("GET", "/cog/v1/display-token-url")).json()["url"]
    assert (await as_nobody("GET", page)).status_code in {200, 302, 303}  # it asks to sign in
    name = (await as_nobody("POST", "/cog/v1/verify-token", data={"token": token})).json()
    bearer = await docker_login(as_nobody, name["username"], token, "alice/hello")

    layer, labels = b"layer", config(BUNDLE)
    for blob in (layer, labels):
        await docker_blob(as_nobody, bearer, "alice/hello", blob)
    content = manifest(labels, layer, config_type=DOCKER_CONFIG, media_type=DOCKER_MANIFEST)
    answer = await as_nobody(
        "PUT",
        "/v2/alice/hello/manifests/latest",
        content=content,
        headers={**bearer, "content-type": DOCKER_MANIFEST},
    )

    assert answer.status_code == 201, answer.text
    assert answer.headers["docker-content-digest"] == digest_of(content)
    version = (await hub.models.get(alice, "alice", "hello")).latest_version
    assert version.id == hex_of(content)


async def docker_login(ask, name, token, repository):
    """Go where the challenge leads, with name and token as Basic, and return what it gives."""
    challenge = (await ask("GET", "/v2/")).headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="http://hub.test/v2/token"')
    basic = base64.b64encode(f"{name}:{token}".encode()).decode()
    url = f"/v2/token?service=hub.test&scope=repository:{repository}:pull,push"
    given = await ask("GET", url, headers={"authorization": f"Basic {basic}"})
    return {"authorization": f"Bearer {given.json()['token']}"}


async def docker_blob(ask, bearer, repository, content):
    """Push a blob as the Docker engine does: ask for it, begin, send it at once, and end."""
    digest = digest_of(content)
    one = f"/v2/{repository}/blobs/{digest}"
    assert (await ask("HEAD", one, headers=bearer)).status_code == 404
    begun = await ask("POST", f"/v2/{repository}/blobs/uploads/", headers=bearer)
    assert begun.status_code == 202
    sent = await ask("PATCH", begun.headers["location"], content=content, headers=bearer)
    assert sent.status_code == 202
    where = sent.headers["location"]
    joint = "&" if "?" in where else "?"
    ended = await ask("PUT", f"{where}{joint}digest={digest}", headers=bearer)
    assert ended.status_code == 201
