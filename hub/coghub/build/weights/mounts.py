"""Weights in a run: a tree of hard links to the store for each, shown at its target.

A container has the tree mounted, read only. Without one, a target under /src is a link in the
project, and any other a link where it says; a target that is the source itself stays as it is. Runs
of the same weights share the trees; whoever is the last to leave removes them, and what a killed
command has left goes with the next.

Source: contract 08, section 8.6.
"""

import errno
import os
import shutil
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cog.weights import WeightsCache
from coghub.build import file_lock
from coghub.build.weights.artifact import missing_files
from coghub.build.weights.lock import LockedWeight
from coghub.build.weights.packing import kept
from coghub.build.weights.shown import Shown
from coghub.domain.digest import hex_of
from coghub.domain.errors import WeightsInvalid

FOLDER = Path(".cog", "mounts")
SOURCE = "/src/"
ID_CHARACTERS = 16
SWEEP_S, SWEEP_EVERY_S = 5.0, 0.1
"""A process that ends may let go of a lock after its pipes."""


@contextmanager
def shown(
    project: Path, weights: Sequence[LockedWeight], store: WeightsCache, *, is_linked: bool
) -> Generator[list[Shown]]:
    """Show weights inside the block.

    Args:
        project: the folder of the project.
        weights: which.
        store: where their files are.
        is_linked: whether their targets are to be links on this machine.

    Raises:
        WeightsInvalid: if a file is not in the store, or a target cannot be made.
    """
    folder = project / FOLDER
    if folder.exists():
        _remove_abandoned(folder)
    if not weights:
        yield []
        return
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        yield [held.enter_context(_one(project, it, store, is_linked=is_linked)) for it in weights]
    with suppress(OSError):  # others are in it
        folder.rmdir()


@contextmanager
def _one(
    project: Path, weight: LockedWeight, store: WeightsCache, *, is_linked: bool
) -> Generator[Shown]:
    require_whole(weight, store)
    key = f"{hex_of(weight.setDigest)[:ID_CHARACTERS]}-{weight.name}"
    place = project / FOLDER / key
    lock = file_lock.wait_exclusive(place.with_suffix(".making"))
    try:
        use = file_lock.wait_shared(place.with_suffix(".lock"))
        if not place.exists():
            _make_tree(place, weight, store)
        is_linked = is_linked and not is_at_source(project, weight)
        link = _link_of(project, weight.target) if is_linked else None
        if link is not None:
            _make_link(link, place, weight)
    finally:
        lock.release()
    try:
        yield Shown(place, weight.target)
    finally:
        use.release()
        _remove_unless_used(place)


def require_whole(weight: LockedWeight, store: WeightsCache) -> None:
    """Do nothing if a store has all files of a weight.

    Raises:
        WeightsInvalid: if it lacks one.
    """
    missing = missing_files(weight, store)
    if missing:
        raise WeightsInvalid(
            f'weight "{weight.name}" is not fully cached locally (missing {missing[0].path}); '
            "run 'cog weights pull' first"
        )


def _make_tree(place: Path, weight: LockedWeight, store: WeightsCache) -> None:
    new = place.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    for file in weight.files:
        path = new / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.hardlink_to(kept(file.digest, file.path, store))
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            if error.errno != errno.EXDEV:
                raise
            raise WeightsInvalid(
                f"the store {store.folder} is on another file system than {place.parent}, "
                "and hard links need one",
                hint="Set COG_CACHE_DIR to a folder on the project's",
            ) from error
    new.replace(place)


def is_at_source(project: Path, weight: LockedWeight) -> bool:
    """Tell whether the target is the folder of the project that the files come from."""
    places = [it.uri.removeprefix("file://") for it in weight.sources if it.uri.startswith("file:")]
    link = _link_of(project, weight.target)
    return any((project / it).resolve() == link.resolve() for it in places)


def _link_of(project: Path, target: str) -> Path:
    return project / target.removeprefix(SOURCE) if target.startswith(SOURCE) else Path(target)


def _make_link(link: Path, place: Path, weight: LockedWeight) -> None:
    place.with_suffix(".link").write_text(str(link))
    if link.is_symlink() and (not link.exists() or link.resolve() == place.resolve()):
        link.unlink()  # a killed command's, or one to the same tree
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(place.resolve())
    except FileExistsError as error:
        what = "a running command has other weights there" if link.is_symlink() else "it is there"
        raise WeightsInvalid(f'weight "{weight.name}" cannot be at {link}: {what}') from error
    except OSError as error:
        raise WeightsInvalid(
            f'weight "{weight.name}" cannot be at {link}: {error.strerror}',
            hint="With Docker it can (COG_ENGINE=docker), or where its target begins with /src/",
        ) from error


def sweep(project: str, reading: str) -> None:
    """Wait until a pipe has ended, then remove what nobody uses any more; a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.read(int(reading), 1)
    folder = Path(project) / FOLDER
    deadline = time.monotonic() + SWEEP_S
    while folder.exists() and time.monotonic() < deadline:
        _remove_abandoned(folder)
        with suppress(OSError):  # others are in it
            folder.rmdir()
        time.sleep(SWEEP_EVERY_S)


def _remove_abandoned(folder: Path) -> None:
    for lock in folder.glob("*.lock"):
        _remove_unless_used(lock.with_suffix(""))


def _remove_unless_used(place: Path) -> None:
    making = file_lock.wait_exclusive(place.with_suffix(".making"))
    try:
        alone = file_lock.exclusive(place.with_suffix(".lock"))
        if alone is None:
            return
        note = place.with_suffix(".link")
        with suppress(OSError):
            link = Path(note.read_text())
            if link.is_symlink() and link.readlink() == place.resolve():
                link.unlink()
        note.unlink(missing_ok=True)
        for tree in (place, place.with_suffix(".new")):
            shutil.rmtree(tree, ignore_errors=True)
        alone.remove()
    finally:
        making.remove()
