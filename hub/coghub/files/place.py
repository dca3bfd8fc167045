"""Whose a storage is, and whether it is the one that the rows speak of.

A storage that a setting names has a mark, an object that says by which key its hub seals secrets,
and to which rows it belongs. So neither another hub uses it, whose collection would take what it
does not know, nor does one of several hubs on the same rows start with another storage, or with the
empty folder where a server of files is not mounted.
"""

from coghub.database import storage_place as rows
from coghub.database.database import Database
from coghub.domain.errors import StorageUnusable
from coghub.storage.s3 import owner_of
from coghub.storage.storage import MARK, Storage

OWN = "the data folder"
"""How the place is called that no setting names."""


async def claim_storage(
    storage: Storage, database: Database, *, place: str | None, key: bytes
) -> None:
    """See that a storage works and is this hub's; one without a mark is marked, the first time.

    Args:
        storage: where the objects are.
        database: the rows that speak of them.
        place: what the setting says; None is the data folder, which needs no mark.
        key: what the hub's key file holds.

    Raises:
        StorageUnusable: naming why it cannot be used.
    """
    marked = await database.read(rows.marked_place)
    if place is None and marked is None:
        return
    known = await database.write(rows.place_id)
    mark = f"{owner_of(key)} {known}"
    found = await storage.mark()
    _check(found, mark, place=place or OWN, marked=marked)
    if found != mark:
        await storage.put_mark(mark)
    if marked != (place or OWN):
        await database.write(lambda c: rows.note_marked(c, place or OWN))


def _check(found: str | None, mark: str, *, place: str, marked: str | None) -> None:
    """Compare what the mark says with what it should.

    Hubs of older versions put their key alone into it, and nothing into the rows.
    """
    if found == mark or (marked is None and found in {None, mark.split(maxsplit=1)[0]}):
        return
    if found is None:
        raise StorageUnusable(
            f"The objects of this hub are in {marked}, and not in {place}",
            hint=f"Set `COGHUB_STORAGE={marked}`, and see that it is mounted if it is a folder; "
            f"objects are moved together with `{MARK}`",
        )
    raise StorageUnusable(
        f"The storage belongs to another hub: {place}",
        hint=f"Choose another place, or delete `{MARK}` in it if that hub is gone; "
        "hubs that belong together have one database and one key file",
    )
