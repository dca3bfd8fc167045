"""Puts a project into a hub as a version, without a registry: for tests of what comes after."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert
from tests.coghub.pushed import register_version

from coghub.build.bundle import Store
from coghub.build.config import find_config, read_config
from coghub.build.events import ignore
from coghub.build.plan import resolve
from coghub.database.models import PushedVersion
from coghub.database.schema import manifests
from coghub.engines.documents import Question, documents_of
from coghub.settings import current_settings

SDK = Path(__file__).parents[3] / "sdk"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def settings_in(folder, cache):
    """Return settings of commands with a store of its own and a cache that tests share."""
    return replace(current_settings(), cache_folder=cache, data_folder=folder / "store")


async def register(hub, account, name, project, settings):
    """Make a version of a project's folder and return it with its model."""
    plan = resolve(read_config(find_config("cog.yaml", project), project), project)
    question = Question(
        command=(sys.executable, "-m", "cog.schema"),
        folder=project,
        environ={"PYTHONPATH": str(SDK)},
        predict=plan.predict,
        train=None,
        environment_key="test",
        sdk=SDK,
    )
    document = documents_of(settings).ask(question, lambda _: None)
    store = Store(settings)
    bundle = store.write(name, plan, project, document, ignore)
    manifest = store.layout.path_of(bundle.digest).read_bytes()
    for layer in json.loads(manifest)["layers"]:
        target = hub.storage.path_of(f"blobs/sha256/{layer['digest'][7:]}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.layout.path_of(layer["digest"]).read_bytes())
    model = await hub.models.create(account, account.name, name)
    await hub.database.write(
        lambda c: c.execute(
            insert(manifests).values(
                repository=model.full_name,
                digest=bundle.digest,
                media_type="application/vnd.oci.image.manifest.v1+json",
                content=manifest,
                created_at=hub.now(),
                used_at=hub.now(),
            )
        )
    )
    config = json.loads(bundle.labels["run.cog.config"])
    new = PushedVersion(bundle.digest[7:], "0.23.1", document, config, is_bundle=True)
    version = await register_version(hub, model, new)
    return model, version
