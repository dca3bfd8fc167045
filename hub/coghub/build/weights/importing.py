"""`cog weights import`: from sources to the store, to layers, to the lock.

Source: contract 08, sections 8.3 and 8.4.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from coghub.build.weights.artifact import manifest_of
from coghub.build.weights.declared import Weight
from coghub.build.weights.lock import (
    Lock,
    LockedFile,
    LockedLayer,
    LockedSource,
    LockedWeight,
    changes_of,
    normalised,
)
from coghub.build.weights.packing import envelope_format, pack
from coghub.build.weights.sources import Found, Sources, set_digest
from coghub.domain.digest import digest_of
from coghub.domain.errors import WeightsInvalid

NEW, CHANGED, UNCHANGED = "new", "changed", "unchanged"


@dataclass(frozen=True, slots=True)
class Planned:
    """What an import would do with a weight."""

    weight: Weight
    status: str
    """`new`, `changed` or `unchanged`."""
    file_count: int


@dataclass(frozen=True, slots=True)
class Importing:
    """Imports the weights of a project, one after another."""

    sources: Sources
    lock: Lock | None
    """As it was before."""

    def plan(self, weight: Weight) -> Planned:
        """Return what importing a weight would do; a folder's files are read for that, not kept.

        Raises:
            WeightsInvalid: if a source cannot be had.
        """
        listings = [self.sources.listing(it) for it in weight.sources]
        count = sum(len(it.paths) for it in listings)
        locked = self.lock.find(weight.name) if self.lock else None
        if locked is None:
            return Planned(weight, NEW, count)
        is_same = self._is_packed_so and not changes_of(weight, locked)
        before = [it.fingerprint for it in locked.sources]
        now = [it.fingerprint for it in listings]
        if is_same and not all(now):  # only the content of a folder tells
            files = [it for each in listings for it in self.sources.bring(each)[1]]
            is_same = set_digest(files) == locked.setDigest
        elif is_same:
            is_same = before == now
        return Planned(weight, UNCHANGED if is_same else CHANGED, count)

    def run(self, weight: Weight) -> LockedWeight:
        """Bring a weight's files into the store, and return what the lock says of it.

        Raises:
            WeightsInvalid: if a source cannot be had, or two have the same file.
        """
        brought = [self.sources.bring(self.sources.listing(it)) for it in weight.sources]
        files = _together(weight, [it for _, files in brought for it in files])
        sources = tuple(
            LockedSource(normalised(it.uri), fingerprint, it.include, it.exclude)
            for it, (fingerprint, _) in zip(weight.sources, brought, strict=True)
        )
        before = self.lock.find(weight.name) if self.lock else None
        if self._is_packed_so and before is not None and before.setDigest == set_digest(files):
            made = replace(before, target=weight.target, sources=sources)
        else:
            made = self._packed(weight, files, sources)
        made = replace(made, digest=digest_of(manifest_of(made)))
        if before is not None and replace(made, importedAt=before.importedAt) == before:
            return before
        return replace(made, importedAt=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    @property
    def _is_packed_so(self) -> bool:
        return self.lock is not None and self.lock.envelope_format == envelope_format()

    def _packed(
        self, weight: Weight, files: list[Found], sources: tuple[LockedSource, ...]
    ) -> LockedWeight:
        layers, locked = list[LockedLayer](), list[LockedFile]()
        for inside, layer in pack(files, self.sources.store):
            described = layer.described
            layer.close()
            layers.append(described)
            locked += [LockedFile(it.path, it.size, it.digest, described.digest) for it in inside]
        layers = list({it.digest: it for it in layers}.values())
        return LockedWeight(
            name=weight.name,
            target=weight.target,
            sources=sources,
            importedAt="",
            digest="",
            setDigest=set_digest(files),
            size=sum(it.size for it in files),
            sizeCompressed=sum(it.size for it in layers),
            files=tuple(sorted(locked, key=lambda it: it.path)),
            layers=tuple(sorted(layers, key=lambda it: it.digest)),
        )


def _together(weight: Weight, files: list[Found]) -> list[Found]:
    seen = set[str]()
    for file in files:
        if file.path in seen:
            raise WeightsInvalid(f'weight "{weight.name}": two sources have {file.path}')
        seen.add(file.path)
    return files
