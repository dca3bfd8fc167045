"""The local store of bundles: what `cog build -t NAME` writes and `cog predict NAME` runs.

A bundle is an OCI image with the project under `/src`, Cog's labels, and a lock of exact versions,
but without Python and packages: the machine that runs it makes the environment.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coghub.build import bundle_content, commands, file_lock, trained_weights, unpacking
from coghub.build.events import Report, Step
from coghub.build.file_lock import Lock
from coghub.build.files import explained, remove
from coghub.build.image_name import default_name, full_name
from coghub.build.layer_cache import LayerCache
from coghub.build.layers import ROOT
from coghub.build.lock import Locks
from coghub.build.oci import Descriptor, Layout
from coghub.build.plan import Plan
from coghub.build.project_files import ProjectFile, project_files
from coghub.domain.digest import hex_of, is_digest
from coghub.domain.errors import BundleInvalid, BundleNotFound
from coghub.settings import Settings

__all__ = ["Bundle", "Store", "default_name"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in the store."""

    name: str
    """Such as "hello:latest"."""
    digest: str
    """Of its manifest."""
    labels: Mapping[str, str]

    @property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document that was made when it was built.

        Raises:
            BundleInvalid: if it carries none.
        """
        try:
            document = json.loads(self.labels["run.cog.openapi_schema"])
        except (KeyError, ValueError) as error:
            raise BundleInvalid(f"Bundle `{self.name}` carries no schema") from error
        return dict(document)


class Store:
    """An OCI image layout with many names."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.data_folder / "bundles"
        self.layout = Layout(self.folder)
        self.incoming = self.folder / "incoming"
        """Blobs that are being pulled; what a broken pull left is where the next one goes on."""
        self.unpacked = settings.cache_folder / "projects"
        self._in_use = dict[str, Lock]()
        """Of what was unpacked here: until this process ends, or the one that it became."""

    def write(
        self,
        name: str,
        plan: Plan,
        project: Path,
        document: Mapping[str, Any],
        report: Report,
        *,
        weights: Sequence[ProjectFile] = (),
    ) -> Bundle:
        """Store the project under the name; equal projects give equal digests.

        Args:
            name: of the bundle.
            plan: what the project's cog.yaml says.
            project: its folder.
            document: the OpenAPI document.
            report: hears of what is done.
            weights: files that come from elsewhere, and belong into the project.

        Raises:
            NameInvalid: if the name is not `[HOST/]PATH[:TAG]`.
            ProjectUnreadable: if a file cannot be read or changes meanwhile.
            EnvironmentFailed: if the requirements cannot be locked.
        """
        name = full_name(name)
        commands.check_lines(plan)
        lock = Locks(self.settings, self.folder / "locks").lock(plan, project, report)
        wanted = (*plan.requirements, *plan.if_missing)
        plan = replace(plan, requirements=wanted, if_missing=(), lock=lock, warnings=())
        files = project_files(project, report, kept=frozenset(plan.local_packages))
        elsewhere = {it.path for it in weights}
        own = [it for it in files if it.path not in elsewhere]
        files = sorted([*own, *weights], key=lambda it: os.fsencode(it.path))
        bundle_content.require_code(plan, files)
        with self.layout.locked():
            report(Step(f"Writing bundle {name}"))
            cache = LayerCache(self.settings.cache_folder / "layers.json", self.layout)
            found = bundle_content.write_layers(
                cache, files, bundle_content.made_files(plan, document)
            )
            labels = bundle_content.labels_of(plan, document)
            digest = bundle_content.write_manifest(self.layout, found, labels).digest
            self.layout.write_names(
                {**self.layout.names(), name: digest}, bundle_content.ARTIFACT_TYPE
            )
            self._collect()
        return Bundle(name, digest, labels)

    def has(self, blob: Descriptor) -> bool:
        """Tell whether a blob is here, in the length that it should have."""
        path = self.layout.path_of(blob.digest)
        return path.is_file() and path.stat().st_size == blob.size

    def take_in(
        self, name: str, digest: str, files: Mapping[str, Path], blobs: Iterable[str]
    ) -> Bundle | None:
        """Give a name to what was pulled; None if one of its blobs is not, or no longer, here.

        Args:
            name: what it is called here.
            digest: of its manifest.
            files: what was received, by digest; moved into the store.
            blobs: the digests of all that the manifest names.
        """
        with self.layout.locked():
            for received, path in files.items():
                self.layout.adopt(received, path)
            if not all(self.layout.has(blob) for blob in blobs):
                return None
            bundle = self._bundle(name, digest)
            self.layout.write_names(
                {**self.layout.names(), name: digest}, bundle_content.ARTIFACT_TYPE
            )
            self._collect()
        return bundle

    def find(self, name: str) -> Bundle:
        """Return the bundle of that name (`:latest` unless it says), or of that digest.

        Raises:
            BundleNotFound: if there is none.
        """
        names = self.layout.names()
        if is_digest(name):
            found = next((one for one, digest in names.items() if digest == name), None)
        elif name in names:
            found = name  # such as a name with a digest, which only a pull gives
        else:
            found = name if "@" in name else full_name(name)
        if found is None or found not in names:
            there = f"; there are: {', '.join(sorted(names))}" if names else ""
            raise BundleNotFound(
                f"No bundle named `{name}` on this machine",
                hint=f"Build it with `cog build -t {name}`{there}",
            )
        return self._bundle(found, names[found])

    def list(self) -> tuple[Bundle, ...]:
        """Return all that are whole, sorted by name."""
        names = self.layout.names()
        bundles = []
        for name in sorted(names):
            with suppress(BundleInvalid):  # `find` says what is wrong with it
                bundles.append(self._bundle(name, names[name]))
        return tuple(bundles)

    def unpack(self, bundle: Bundle) -> Path:
        """Return the bundle as a project folder, made once by digest; `read_plan` reads its plan.

        Raises:
            BundleInvalid: if its content is not what its digests say, or would leave the folder.
        """
        folder = self.unpacked / hex_of(bundle.digest)
        if bundle.digest not in self._in_use:
            with explained(folder):
                lock = file_lock.wait_shared(folder.with_name(f"{folder.name}.lock"))
            self._in_use[bundle.digest] = lock
        if not folder.exists():
            unpacking.unpack(self.layout, self.layout.read_json(bundle.digest), folder)
        return folder / ROOT

    def weights(self, bundle: Bundle) -> str | None:
        """Return the weights that a training gave an unpacked bundle: a path, or a URL.

        Raises:
            BundleInvalid: if they are damaged.
        """
        manifest = self.layout.read_json(bundle.digest)
        folder = self.unpacked / hex_of(bundle.digest)
        return trained_weights.placed(self.layout, manifest, folder)

    def release(self) -> None:
        """Let `prune` have what was unpacked here; the end of the process does the same."""
        while self._in_use:
            self._in_use.popitem()[1].release()

    def prune(self) -> int:
        """Remove the unpacked bundles that no name leads to and nobody runs; return their number.

        What a killed process left of its unpacking goes with them.
        """
        self._forget_pulls()
        named = {hex_of(digest) for digest in self.layout.names().values()}
        found = {path.name.removesuffix(".lock") for path in self.unpacked.glob("[0-9a-f]*")}
        return sum(self._remove(self.unpacked / name) for name in found - named)

    def _remove(self, folder: Path) -> bool:
        lock = file_lock.exclusive(folder.with_name(f"{folder.name}.lock"))
        if lock is None:
            return False
        try:
            was_there = folder.exists()
            for half_made in unpacking.half_made(folder):
                remove(half_made)
            remove(folder)
        finally:
            lock.remove()
        return was_there

    def _forget_pulls(self) -> None:
        """Remove what broken pulls left; one that goes on fetches again what it misses."""
        for path in self.incoming.glob("[0-9a-f]*"):
            lock = file_lock.exclusive(path.with_suffix(".lock"))
            if lock is not None:
                path.unlink(missing_ok=True)
                lock.remove()

    def _bundle(self, name: str, digest: str) -> Bundle:
        manifest = self.layout.read_json(digest)
        try:
            config = self.layout.read_json(manifest["config"]["digest"])
            labels = dict(config["config"]["Labels"])
        except (KeyError, TypeError) as error:
            raise BundleInvalid(f"Bundle `{name}` is damaged: {error}") from error
        return Bundle(name, digest, labels)

    def _collect(self) -> None:
        """Remove what no name leads to."""
        used: set[str] = set()
        for digest in self.layout.names().values():
            used.add(digest)
            with suppress(BundleInvalid):  # a damaged one keeps nothing but its name
                manifest = self.layout.read_json(digest)
                blobs = [manifest["config"], *manifest["layers"]]
                used |= {blob["digest"] for blob in blobs}
                used |= trained_weights.blobs_of(manifest)
        self.layout.collect(used)
