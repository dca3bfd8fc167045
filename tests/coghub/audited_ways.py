"""The ways to change a hub, each with what the audit trail has of it."""

from dataclasses import dataclass

from hub_client import Client
from oci_images import BUNDLE, Pusher, config, manifest
from tests.coghub.web.conftest import Browser

from coghub.domain.digest import digest_of

SECRET = "open-sesame-please"
READS = frozenset({"GET", "HEAD", "QUERY"})
SCHEMA = {"components": {"schemas": {"Input": {"properties": {}}, "Output": {}}}}
ID = "a" * 64

NO_CHANGES = {
    "api POST /files": "what predictions are given: use, and gone by itself",
    "api DELETE /files/{file_id}": "an upload of one's own, likewise",
    "api POST /predictions": "use",
    "api POST /predictions/{prediction_id}/cancel": "use",
    "api POST /models/{owner}/{name}/predictions": "use",
    "api POST /deployments/{owner}/{name}/predictions": "use",
    "api POST /models/{owner}/{name}/versions/{version_id}/trainings": "its version has an entry",
    "api POST /trainings/{training_id}/cancel": "use",
    "web POST /login": "a session",
    "web POST /logout": "a session",
    "web POST /webhooks/replay": "tells again what was told",
    "web POST /p/{prediction_id}/cancel": "use",
    "web POST /uploads": "use",
    "web POST /{owner}/{name}/versions/{version_id}/run": "use",
    "web POST /{owner}/{name}/versions/{version_id}/check": "reads",
    "web POST /{owner}/{name}/versions/{version_id}/train": "its version has an entry",
    "web POST /{owner}/{name}/versions/{version_id}/train/check": "reads",
    "registry POST /v2/token": "a token of minutes, for one push or pull",
    "registry PATCH /v2/NAME/blobs/uploads/UPLOAD": "nothing, until a manifest names it",
    "registry PUT /v2/NAME/blobs/uploads/UPLOAD": "nothing, until a manifest names it",
    "registry DELETE /v2/NAME/blobs/uploads/UPLOAD": "an upload that never was a blob",
    "registry POST /v2/NAME/blobs/uploads": "nothing, until a manifest names it",
    "registry POST /cog/v1/verify-token": "reads",
    "command up": "the first start makes an administrator as `user create` does",
    "command backup": "reads",
    "command restore": "makes another folder, with the trail of the backup",
    "command migrate-data": "the same rows elsewhere, with the trail",
    **dict.fromkeys(
        [
            *(f"command {it}" for it in ("user list", "collection list", "versions", "env list")),
            *(f"command {it}" for it in ("secret list", "instances", "hardware", "logs", "audit")),
        ],
        "reads",
    ),
}
"""Way → why it leaves nothing."""


@dataclass
class World:
    """A hub with a bit of everything, and everybody who changes it."""

    hub: object
    api: Client
    owner: Browser
    admin: Browser
    stranger: Browser
    registry: Pusher
    model: object
    prediction: object


async def delete_tag(it):
    await it.registry.image("alice/pushed", BUNDLE)
    await it.registry("DELETE", "/v2/alice/pushed/manifests/latest")


async def delete_manifest(it):
    content = await artifact(it)
    await it.registry("DELETE", f"/v2/alice/paint/manifests/{digest_of(content)}")


async def delete_blob(it):
    await it.registry.blob("alice/paint", b"layer")
    await it.registry("DELETE", f"/v2/alice/paint/blobs/{digest_of(b'layer')}")


async def artifact(it):
    """Push what is no model."""
    for blob in (config(), b"layer"):
        await it.registry.blob("alice/paint", blob)
    content = manifest(config(), b"layer")
    await it.registry.manifest("alice/paint", "notes", content)
    return content


def settings(**fields):
    return lambda it: it.owner.post("/alice/paint/settings", **fields)


def deployment(**fields):
    return lambda it: it.owner.post("/deployments/alice/greeter", **fields)


async def unshare(it):
    await it.hub.sharing.add(it.model, "bob")
    await it.owner.post("/alice/paint/settings", do="unshare", name="bob")


async def unset(it):
    await it.hub.variables.put(it.model, "KEY", SECRET, is_secret=True)
    await it.owner.post("/alice/paint/settings", do="unset", name="KEY")


async def delete_version(it):
    await it.hub.deployments.delete(await it.hub.accounts.get("alice"), "alice", "greeter")
    await it.api("DELETE", f"/v1/models/alice/paint/versions/{ID}")


FORM = {"model": "alice/paint", "version": ID, "hardware": "cpu"}
LIMITS = {"min_instances": "0", "max_instances": "2"}
DEPLOYMENT = {**FORM, "name": "other", "min_instances": 0, "max_instances": 1}
MODEL = {"owner": "alice", "name": "new", "visibility": "private", "hardware": "cpu"}
SETTINGS, ONE = "web POST /{owner}/{name}/settings", "web POST /deployments/{owner}/{name}"
MANIFEST = "registry PUT /v2/NAME/manifests/REFERENCE"
UNMANIFEST = MANIFEST.replace("PUT", "DELETE")
WHO = {
    "web POST /signup": "stranger",
    "web POST /p/{prediction_id}/delete": "root",
    **dict.fromkeys(
        (f"web POST /admin/{it}" for it in ("users", "tokens", "password", "gc")), "root"
    ),
}
"""Way → who goes it, where it is not the owner."""
CHANGES = [
    (
        "api POST /deployments",
        "deployment.create",
        lambda it: it.api("POST", "/v1/deployments", json=DEPLOYMENT),
    ),
    (
        "api PATCH /deployments/{owner}/{name}",
        "deployment.change",
        lambda it: it.api("PATCH", "/v1/deployments/alice/greeter", json={"max_instances": 2}),
    ),
    (
        "api DELETE /deployments/{owner}/{name}",
        "deployment.delete",
        lambda it: it.api("DELETE", "/v1/deployments/alice/greeter"),
    ),
    ("api POST /models", "model.create", lambda it: it.api("POST", "/v1/models", json=MODEL)),
    (
        "api PATCH /models/{owner}/{name}",
        "model.change",
        lambda it: it.api("PATCH", "/v1/models/alice/paint", json={"description": "new"}),
    ),
    (
        "api DELETE /models/{owner}/{name}",
        "model.delete",
        lambda it: it.api("DELETE", "/v1/models/alice/empty"),
    ),
    (
        "api DELETE /models/{owner}/{name}/versions/{version_id}",
        "deployment.delete version.delete",
        delete_version,
    ),
    (
        "web POST /signup",
        "account.create password.change",
        lambda it: it.stranger.post("/signup", name="carol", password=SECRET),
    ),
    ("web POST /account/tokens", "token.create", lambda it: it.owner.post("/account/tokens")),
    (
        "web POST /account/tokens/revoke",
        "token.revoke",
        lambda it: it.owner.post("/account/tokens/revoke", id="1"),
    ),
    (
        "web POST /account/password",
        "password.change",
        lambda it: it.owner.post("/account/password", new=SECRET),
    ),
    (
        "web POST /deployments/new",
        "deployment.create",
        lambda it: it.owner.post("/deployments/new", name="other", **FORM, **LIMITS),
    ),
    (f"{ONE} release", "deployment.change", deployment(do="release", **FORM, **LIMITS)),
    (f"{ONE} roll back", "deployment.change", deployment(do="roll back", number="1")),
    (f"{ONE} delete", "deployment.delete", deployment(do="delete")),
    (
        "web POST /admin/users",
        "account.create token.create",
        lambda it: it.admin.post("/admin/users", name="carol"),
    ),
    (
        "web POST /admin/tokens",
        "token.create",
        lambda it: it.admin.post("/admin/tokens", name="bob"),
    ),
    (
        "web POST /admin/password",
        "password.change",
        lambda it: it.admin.post("/admin/password", name="bob", password=SECRET),
    ),
    ("web POST /admin/gc", "garbage.collect", lambda it: it.admin.post("/admin/gc")),
    (
        "web POST /p/{prediction_id}/example",
        "example.add",
        lambda it: it.owner.post(f"/p/{it.prediction.id}/example"),
    ),
    (
        "web POST /p/{prediction_id}/example",
        "example.remove",
        lambda it: it.owner.post(f"/p/{it.prediction.id}/example", remove="1"),
    ),
    (
        "web POST /p/{prediction_id}/delete",
        "prediction.delete",
        lambda it: it.admin.post(f"/p/{it.prediction.id}/delete"),
    ),
    (
        "web POST /create",
        "model.create",
        lambda it: it.owner.post("/create", name="new", visibility="private"),
    ),
    (f"{SETTINGS} about", "model.change", settings(do="about", description="x")),
    (f"{SETTINGS} visibility", "model.change", settings(do="visibility", visibility="public")),
    (f"{SETTINGS} hardware", "model.change", settings(do="hardware", hardware="cpu")),
    (f"{SETTINGS} share", "model.share", settings(do="share", name="bob")),
    (f"{SETTINGS} unshare", "model.share model.unshare", unshare),
    (
        f"{SETTINGS} variable",
        "variable.set",
        settings(do="variable", name="KEY", value=SECRET, is_secret="on"),
    ),
    (f"{SETTINGS} unset", "variable.set variable.unset", unset),
    (
        f"{SETTINGS} delete",
        "model.delete",
        lambda it: it.owner.post("/alice/empty/settings", do="delete", name="alice/empty"),
    ),
    (MANIFEST, "version.push", lambda it: it.registry.image("alice/paint", BUNDLE)),
    (MANIFEST, "model.create version.push", lambda it: it.registry.image("alice/pushed", BUNDLE)),
    (MANIFEST, "", artifact),
    (UNMANIFEST, "repository.remove", delete_manifest),
    (UNMANIFEST, "model.create version.push repository.remove", delete_tag),
    ("registry DELETE /v2/NAME/blobs/DIGEST", "repository.remove", delete_blob),
]
"""Way, what is written down, and what goes it; what is no model is pushed without an entry."""

COMMANDS = [
    ("user create carol", "", "account.create"),
    ("user password alice", SECRET, "password.change"),
    ("token create alice", "", "token.create"),
    ("token revoke alice", "", "token.revoke"),
    ("model visibility alice/paint public", "", "model.change"),
    ("collection create best --name Best", "", "collection.create"),
    ("collection change good --name Better", "", "collection.change"),
    ("collection add good alice/paint", "", "collection.change"),
    ("collection remove good alice/paint", "", "collection.change"),
    ("collection delete good", "", "collection.delete"),
    ("env set alice/paint KEY", SECRET, "variable.set"),
    ("env unset alice/paint KEPT", "", "variable.unset"),
    ("secret set alice/paint KEY", SECRET, "variable.set"),
    ("secret unset alice/paint HIDDEN", "", "variable.unset"),
    ("gc", "", "garbage.collect"),
]
"""What is typed, its stdin, and what is written down."""
