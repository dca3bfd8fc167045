"""Copies a hub, and makes one from a copy.

A backup is a folder with the rows, the key file, and the objects of the storage. It is made beside
a running hub, so the order matters. An object is stored before the row that names it, never
changes, and is removed after that row. Hence objects are taken first, then the rows in one
snapshot, then the objects that came in between: whatever a row of the snapshot names was there at
one of the two times, unless somebody deleted it in between. With the rows first, gc or retention
could take an object before it is copied; with the objects first and only once, the newest rows
would name what the copy lacks.

Objects in a bucket are not copied: the note says where they are, and a restored hub goes on with
them. Whoever wants to have them twice has the store keep versions of them.

On one file system objects are linked, not copied. A backup that is made again into its folder
takes what is new, and drops what was gone already before the rows were copied.
"""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from coghub.database import place
from coghub.database.copying import copy_into_file, copy_into_server
from coghub.database.schema import uploads
from coghub.domain.clock import iso
from coghub.domain.errors import BackupInvalid, HubNotFound
from coghub.opening import DATABASE, KEY_FILE, PRIVATE, note_place
from coghub.storage.storage import disk_errors

OBJECTS = Path("storage") / "objects"
NOTE = "backup.json"
"""Written last: a folder without it holds no whole backup."""
BEGUN = f"{NOTE}.partial"
"""Stands for it until then."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class BackupNote:
    """What a backup says of itself."""

    created_at: str
    objects: int
    size_bytes: int
    """Of objects and rows together."""
    storage: str | None = None
    """Where the hub's objects are that were not copied: in a bucket."""
    format: int = FORMAT


def back_up(
    folder: Path,
    target: Path,
    *,
    now: datetime,
    storage: str | None = None,
    database: str | None = None,
) -> BackupNote:
    """Copy the hub of a data folder, which may be running, into another folder.

    Args:
        folder: the data folder.
        target: where the copy is made.
        now: when.
        storage: the bucket of the objects, if they are in one.
        database: the address of the rows, if a server keeps them; the copy has them in a file.

    Raises:
        DatabaseElsewhere: if a server has the rows, and none is named.
        HubNotFound: if there is no hub.
        BackupInvalid: if the target holds something else than an older backup of this hub.
        DiskFull: if no space is left; an older backup stays as it was.
    """
    place.require_setting(folder, database)
    if not (folder / (DATABASE if database is None else KEY_FILE)).is_file():
        raise HubNotFound(folder)
    with disk_errors():
        _begin(folder, target)
        gone = _missing(target / OBJECTS, folder / OBJECTS)
        _take_objects(folder / OBJECTS, target / OBJECTS)
        if database is None:
            _take_rows(folder / DATABASE, target / DATABASE)
        else:
            _take_server_rows(database, target / DATABASE)
        _take_objects(folder / OBJECTS, target / OBJECTS)
        _drop(gone & _missing(target / OBJECTS, folder / OBJECTS), target / OBJECTS)
        return _note(target, now, storage)


def restore(backup: Path, folder: Path, *, database: str | None = None) -> BackupNote:
    """Make a data folder from a backup; it appears whole or not at all.

    With the address of a server's database, which must be empty, the rows are put there.

    Raises:
        Conflict: if the database has rows.
        BackupInvalid: if there is no whole backup, or the data folder is not empty.
        DiskFull: if no space is left.
    """
    note = read_note(backup)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupInvalid(
            f"The data folder is not empty: {folder}",
            hint="Choose a new one with `--data`, and start the hub on that",
        )
    with disk_errors():
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        try:
            _take_objects(backup / OBJECTS, making / OBJECTS)
            _copy_private(backup / KEY_FILE, making / KEY_FILE)
            _take_rows(backup / DATABASE, making / DATABASE)
            note_place(making, note.storage)
            if database is not None:
                asyncio.run(copy_into_server(making / DATABASE, database))
                (making / DATABASE).unlink()
                place.note(making, database)
            making.rename(folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
    return note


def read_note(backup: Path) -> BackupNote:
    """Return what a backup says of itself.

    Raises:
        BackupInvalid: if there is none in the folder, or not a whole one.
    """
    try:
        fields = json.loads((backup / NOTE).read_text("utf-8"))
        note = BackupNote(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise BackupInvalid(f"No whole backup in this folder: {backup}") from error
    if note.format != FORMAT:
        raise BackupInvalid(f"The backup is of a newer version of coghub: format {note.format}")
    return note


def _begin(folder: Path, target: Path) -> None:
    """Make the target, or see that it is an older backup of this hub."""
    key = folder / KEY_FILE
    target.mkdir(parents=True, exist_ok=True)
    if not any(target.iterdir()):
        target.chmod(PRIVATE)
        (target / BEGUN).touch()
        _copy_private(key, target / KEY_FILE)
    known = target / KEY_FILE
    is_backup = (target / NOTE).is_file() or (target / BEGUN).is_file()  # no hub's data folder
    if not is_backup or not known.is_file() or known.read_bytes() != key.read_bytes():
        raise BackupInvalid(
            f"The folder holds something else than a backup of this hub: {target}",
            hint="Choose an empty folder, or the one of an older backup",
        )


def _take_objects(source: Path, target: Path) -> None:
    """Link or copy what the target lacks."""
    for path in _files(source):
        copy = target / path.relative_to(source)
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            _take(path, copy)
        except FileNotFoundError:  # it was removed meanwhile, so no row of the snapshot names it
            continue


def _take(path: Path, copy: Path) -> None:
    """Link a file, or copy it where that is not possible; it appears whole or not at all."""
    try:
        copy.hardlink_to(path)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        partial = copy.with_name(f"{copy.name}.partial")
        shutil.copyfile(path, partial)
        partial.replace(copy)


def _missing(folder: Path, other: Path) -> set[Path]:
    """Return which files of a folder, relative to it, another one lacks."""
    names = {path.relative_to(folder) for path in _files(folder)}
    return {name for name in names if not (other / name).exists()}


def _drop(names: set[Path], folder: Path) -> None:
    for name in names:
        (folder / name).unlink()


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            yield Path(root) / name


def _take_rows(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment; readers do not keep the hub from writing."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as rows,
            closing(sqlite3.connect(partial)) as copy,
        ):
            rows.backup(copy)
            with copy:  # what uploads under way have sent lies beside the objects
                copy.execute("DELETE FROM uploads")
            [[verdict]] = copy.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupInvalid(f"The database cannot be copied: {error}: {source}") from error
    if verdict != "ok":
        raise BackupInvalid(f"The database is damaged: {verdict}: {source}")
    partial.chmod(0o600)
    partial.replace(target)


def _take_server_rows(database: str, target: Path) -> None:
    """Copy the rows of a server as they are at one moment into a file."""
    partial = target.with_name(f"{target.name}.partial")
    for ending in ("", "-wal", "-shm"):
        partial.with_name(partial.name + ending).unlink(missing_ok=True)
    asyncio.run(copy_into_file(database, partial, without=[uploads]))
    with closing(sqlite3.connect(partial)) as rows:  # one file, which is read without writing
        rows.execute("PRAGMA journal_mode=DELETE")
    partial.chmod(0o600)
    partial.replace(target)


def _copy_private(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(source.read_bytes())


def _note(target: Path, now: datetime, storage: str | None) -> BackupNote:
    sizes = [path.stat().st_size for path in _files(target / OBJECTS)]
    size_bytes = sum(sizes) + (target / DATABASE).stat().st_size
    note = BackupNote(iso(now), len(sizes), size_bytes, storage)
    partial = target / BEGUN
    said = {name: value for name, value in asdict(note).items() if value is not None}
    partial.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    partial.replace(target / NOTE)
    return note
