"""Versions by their row's number, kept in memory: they never change, and every call needs one."""

from collections import OrderedDict
from dataclasses import dataclass

from coghub.database import models as rows
from coghub.database.database import Database
from coghub.domain.errors import VersionNotFound
from coghub.domain.model import Version

MAX_KEPT = 1000
"""A version weighs some ten kilobytes, its schema mostly."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A version, and whose it is."""

    version: Version
    model: str
    """`owner/name`; neither is ever renamed."""


class Catalog:
    """Finds versions without asking the database again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = OrderedDict[int, Entry]()

    async def get(self, version_key: int) -> Entry:
        """Return a version.

        Raises:
            VersionNotFound: if it is gone.
        """
        entry = self._kept.get(version_key)
        if entry is None:
            entry = await self._database.read(lambda c: _entry(rows.by_version_key(c, version_key)))
            if entry is None:
                raise VersionNotFound(str(version_key))
            self._keep(entry)
        return entry

    def _keep(self, entry: Entry) -> None:
        self._kept[entry.version.key] = entry
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


def _entry(found: tuple[Version, str] | None) -> Entry | None:
    return None if found is None else Entry(*found)
