"""Images to push, and a client that pushes them through the whole application."""

import hashlib
import json

from hub_client import Client

from coghub.domain.digest import digest_of

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

SCHEMA = {"openapi": "3.0.2", "components": {"schemas": {"Input": {}, "Output": {}}}}
BUNDLE = {
    "run.cog.version": "0.23.1",
    "run.cog.config": json.dumps({"predict": "predict.py:Predictor"}),
    "run.cog.openapi_schema": json.dumps(SCHEMA),
    "run.cog.bundle": "1",
}


def encoded(value):
    return json.dumps(value).encode()


def config(labels=None):
    return encoded({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}})


def descriptor(content, media_type):
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def manifest(config_content, *layers, config_type=OCI_CONFIG, media_type=OCI_MANIFEST, **more):
    """Return the content of a manifest."""
    return encoded(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptor(config_content, config_type),
            "layers": [descriptor(layer, OCI_LAYER) for layer in layers],
            **more,
        }
    )


def index(*manifests, media_type=OCI_INDEX):
    """Return the content of an index of manifests."""
    entries = [descriptor(one, json.loads(one)["mediaType"]) for one in manifests]
    return encoded({"schemaVersion": 2, "mediaType": media_type, "manifests": entries})


def hex_of(content):
    return hashlib.sha256(content).hexdigest()


class Pusher(Client):
    """Pushes as clients do."""

    async def blob(self, repository, content):
        """Push a blob in one request."""
        url = f"/v2/{repository}/blobs/uploads/?digest={digest_of(content)}"
        answer = await self("POST", url, content=content)
        assert answer.status_code == 201, answer.text

    async def manifest(self, repository, reference, content, media_type=None):
        media_type = media_type or json.loads(content)["mediaType"]
        url, headers = f"/v2/{repository}/manifests/{reference}", {"content-type": media_type}
        return await self("PUT", url, content=content, headers=headers)

    async def image(self, repository, labels=None, tag="latest", layers=(b"layer",)):
        """Push an image, and return the answer and the manifest."""
        content = manifest(config(labels), *layers)
        for blob in (config(labels), *layers):
            await self.blob(repository, blob)
        return await self.manifest(repository, tag, content), content


def error_code(answer):
    """Return the code of the first error in an answer."""
    return answer.json()["errors"][0]["code"]
