"""weights.lock: what was imported, file by file and layer by layer.

Source: contract 08, section 8.4.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coghub.build.files import write_atomically
from coghub.build.weights.declared import Source, Weight
from coghub.domain.digest import is_digest
from coghub.domain.errors import WeightsInvalid

FILE = "weights.lock"
VERSION = 1
MAX_BYTES = 256 * 1024**2
RUN_IMPORT = "Run 'cog weights import' to update."


@dataclass(frozen=True, slots=True)
class LockedSource:
    """A source, and what was there."""

    uri: str
    fingerprint: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file, and the layer that it is in."""

    path: str
    size: int
    digest: str
    layer: str


@dataclass(frozen=True, slots=True)
class LockedLayer:
    """A layer as it is in a registry."""

    digest: str
    mediaType: str  # noqa: N815 - the name in the file
    size: int
    sizeUncompressed: int  # noqa: N815 - the name in the file


@dataclass(frozen=True, slots=True)
class LockedWeight:
    """Everything about one weight; the fields are the file's."""

    name: str
    target: str
    sources: tuple[LockedSource, ...]
    importedAt: str  # noqa: N815 - the name in the file
    digest: str
    """Of its manifest."""
    setDigest: str  # noqa: N815 - the name in the file
    size: int
    sizeCompressed: int  # noqa: N815 - the name in the file
    files: tuple[LockedFile, ...]
    layers: tuple[LockedLayer, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole file."""

    envelope_format: str
    """Digest of how layers are packed: where it is another, they are packed anew."""
    weights: tuple[LockedWeight, ...] = ()

    def find(self, name: str) -> LockedWeight | None:
        """Return the weight of a name."""
        return next((it for it in self.weights if it.name == name), None)


def read_lock(folder: Path) -> Lock | None:
    """Return a project's lock; None if it has none.

    Raises:
        WeightsInvalid: if it is none, or of a later version.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WeightsInvalid(f"{FILE} is larger than {MAX_BYTES} bytes")
        document = json.loads(path.read_bytes())
        version = document["version"]
        if version != VERSION:
            raise WeightsInvalid(f"unsupported {FILE} version {version} (want {VERSION})")
        lock = Lock(document["envelopeFormat"], tuple(_weight(it) for it in document["weights"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = f"{type(error).__name__}: {error}"
        raise WeightsInvalid(f"{FILE} cannot be read: {told}", hint=RUN_IMPORT) from error
    for what in ("name", "target"):
        values = [getattr(it, what) for it in lock.weights]
        if len(set(values)) != len(values):
            raise WeightsInvalid(f"{FILE} has a {what} twice")
    return lock


def _weight(document: Mapping[str, Any]) -> LockedWeight:
    texts = {it: str(document[it]) for it in ("name", "target", "importedAt")}
    weight = LockedWeight(
        **texts,
        sources=tuple(
            LockedSource(it["uri"], it["fingerprint"], tuple(it["include"]), tuple(it["exclude"]))
            for it in document["sources"]
        ),
        digest=document["digest"],
        setDigest=document["setDigest"],
        size=int(document["size"]),
        sizeCompressed=int(document["sizeCompressed"]),
        files=tuple(LockedFile(**it) for it in document["files"]),
        layers=tuple(LockedLayer(**it) for it in document["layers"]),
    )
    digests = [weight.digest, weight.setDigest, *(it.digest for it in weight.layers)]
    digests += [it for file in weight.files for it in (file.digest, file.layer)]
    if not all(isinstance(it, str) and is_digest(it) for it in digests):
        raise ValueError(f"a digest of {weight.name} is none")
    for file in weight.files:
        if not is_inside(file.path):
            raise ValueError(f"{file.path} leads out of its folder")
    return weight


def is_inside(path: str) -> bool:
    """Tell whether a path is relative, clean, and leads nowhere else."""
    parts = path.split("/")
    return bool(path) and not set(parts) & {"", ".", ".."} and "\0" not in path


def write_lock(folder: Path, lock: Lock) -> None:
    """Write a project's lock, whole or not at all."""
    document = {
        "version": VERSION,
        "envelopeFormat": lock.envelope_format,
        "weights": [asdict(it) for it in sorted(lock.weights, key=lambda it: it.name)],
    }
    write_atomically(folder / FILE, json.dumps(document, indent=2) + "\n")


def drift(weights: Sequence[Weight], lock: Lock | None) -> list[str]:
    """Return, a line each, where cog.yaml and the lock say different things."""
    locked = {it.name: it for it in (lock.weights if lock else ())}
    lines = list[str]()
    for weight in weights:
        if weight.name not in locked:
            lines.append(f'"{weight.name}": not imported yet')
        elif changes := changes_of(weight, locked[weight.name]):
            lines.append(f'"{weight.name}": config changed ({"; ".join(changes)})')
    names = {it.name for it in weights}
    gone = sorted(set(locked) - names)
    lines += [f'"{it}": removed from cog.yaml but still in lockfile' for it in gone]
    return lines


def changes_of(weight: Weight, locked: LockedWeight) -> list[str]:
    """Return what cog.yaml says of a weight in another way than the lock."""
    changes = list[str]()
    if weight.target != locked.target:
        changes.append(f"target: {locked.target} → {weight.target}")
    before = [Source(it.uri, it.include, it.exclude) for it in locked.sources]
    now = [Source(normalised(it.uri), it.include, it.exclude) for it in weight.sources]
    if len(before) != len(now):
        changes.append(f"sources: {len(before)} → {len(now)}")
        return changes
    for old, new in zip(before, now, strict=True):
        for what in ("uri", "include", "exclude"):
            was, is_now = getattr(old, what), getattr(new, what)
            if was != is_now:
                changes.append(f"{what}: {_shown(was)} → {_shown(is_now)}")
    return changes


def _shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"


def normalised(uri: str) -> str:
    """Return a source as the lock names it: a path is `file://./…`, or `file:///…`."""
    if "://" in uri and not uri.startswith("file://"):
        return uri.replace("huggingface://", "hf://", 1)
    path = uri.removeprefix("file://")
    if path.startswith("/"):
        return f"file://{path.rstrip('/')}"
    return f"file://./{path.removeprefix('./').rstrip('/')}".removesuffix("/.")


def require_no_drift(weights: Sequence[Weight], lock: Lock | None) -> None:
    """Do nothing if cog.yaml and the lock agree.

    Raises:
        WeightsInvalid: if they do not, with all that differs.
    """
    lines = drift(weights, lock)
    if lines:
        told = "".join(f"\n  - {it}" for it in lines)
        raise WeightsInvalid(f"{FILE} is out of sync with cog.yaml:{told}\n{RUN_IMPORT}")
