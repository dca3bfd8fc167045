"""A version as an image of the engine: loaded from the hub's blobs, or built from a bundle; once.

Its name is the hub's own repository with the version's id as tag, so that what belongs to versions
that are gone can be told.
"""

import io
import json
import subprocess
import tarfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coghub.build import file_lock, unpacking
from coghub.build.docker.client import Docker, error_of
from coghub.build.docker.image import Image, find_image
from coghub.build.events import Report
from coghub.build.files import remove
from coghub.build.image.environment_image import ensure_environment
from coghub.build.image.model_image import ModelOrder, build_model_image
from coghub.build.layers import ROOT
from coghub.build.oci import Layout
from coghub.build.plan import read_plan
from coghub.domain.digest import hex_of
from coghub.domain.errors import DockerError, ImageInvalid
from coghub.executors.base import InstanceSpec
from coghub.executors.version_blobs import version_layout
from coghub.settings import Settings
from coghub.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class VersionImages:
    """The images of a hub's versions."""

    docker: Docker
    settings: Settings
    storage: Storage
    folder: Path
    """For locks, and for bundles while they are built."""
    repository: str

    def ensure(self, spec: InstanceSpec, report: Report) -> Image:
        """Return the image of a version, made now if it is not there; others wait meanwhile.

        Raises:
            CoghubError: if it cannot be made.
        """
        name = f"{self.repository}:{spec.version.id}"
        found = find_image(self.docker, name)
        if found is not None:
            return found
        lock = file_lock.wait_exclusive(self.folder / f"{spec.version.id}.lock")
        try:
            found = find_image(self.docker, name)
            if found is None:
                self._make(spec, name, report)
                found = find_image(self.docker, name)
        finally:
            lock.release()
        if found is None:
            raise ImageInvalid(f"The Docker engine did not keep the image of {spec.version.id}")
        return found

    def tidy(self, version_ids: Collection[str]) -> None:
        """Remove the images of versions that are gone.

        Raises:
            DockerError: if the engine does not say which there are.
        """
        for left in self.folder.glob("*.blobs"):  # of a hub that was killed
            remove(left)
        shown = ["images", "--format", "{{.Tag}}", self.repository]
        for tag in self.docker.ask(shown).split():
            if tag not in version_ids:
                with suppress(DockerError):  # a container may still have it
                    self.docker.ask(["image", "rm", f"{self.repository}:{tag}"])
                (self.folder / f"{tag}.lock").unlink(missing_ok=True)

    def _make(self, spec: InstanceSpec, name: str, report: Report) -> None:
        fetched = self.folder / f"{spec.version.id}.blobs"
        with version_layout(self.storage, spec.manifest, fetched) as layout:
            if spec.version.is_bundle:
                self._build(spec, layout, name, report)
            else:
                _load(self.docker, layout, dict(spec.manifest), name)

    def _build(self, spec: InstanceSpec, layout: Layout, name: str, report: Report) -> None:
        folder = self.folder / spec.version.id
        unpacking.unpack(layout, dict(spec.manifest), folder)
        try:
            project = folder / ROOT
            plan = read_plan(project)
            environment = ensure_environment(self.docker, plan, project, self.settings, report)
            order = ModelOrder(plan, project, spec.version.openapi_schema, name)
            build_model_image(self.docker, environment, order, self.settings, report)
        finally:
            remove(folder)


def _load(docker: Docker, layout: Layout, manifest: dict[str, Any], name: str) -> None:
    """Hand an image's blobs to the engine as it exports images itself.

    Raises:
        ImageInvalid: if a blob is missing.
        DockerError: if the engine does not take it.
    """
    try:
        config = manifest["config"]["digest"]
        layers = [str(layer["digest"]) for layer in manifest["layers"]]
    except (KeyError, TypeError) as error:
        raise ImageInvalid(f"The version's manifest names no image: {error}") from error
    process = subprocess.Popen(
        docker.command(["load", "--quiet"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(docker.environ),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        with suppress(BrokenPipeError), tarfile.open(fileobj=process.stdin, mode="w|") as archive:
            for digest in dict.fromkeys([config, *layers]):
                archive.add(layout.path_of(digest), hex_of(digest), filter=_as_file)
            _add(archive, "manifest.json", _index(config, layers, name))
        with suppress(BrokenPipeError):
            process.stdin.close()
        said = process.stderr.read().decode("utf-8", "replace")
        if process.wait():
            raise error_of(said, docker.environ)
    except OSError as error:
        raise ImageInvalid(f"A blob of the version cannot be read: {error}") from error
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def _index(config: str, layers: list[str], name: str) -> bytes:
    entry = {
        "Config": hex_of(config),
        "RepoTags": [name],
        "Layers": [hex_of(layer) for layer in layers],
    }
    return json.dumps([entry]).encode()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _as_file(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o644, 0, 0, "", ""
    return entry
