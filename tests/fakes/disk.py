"""A disk that is full when a test says so."""

from coghub.domain.errors import DiskFull


class Disk:
    """Refuses what is to be written to a hub's database while it is full."""

    def __init__(self, hub, monkeypatch):
        self.hub = hub
        self._write = hub.database.write
        self.is_full = False
        self.refused = 0
        monkeypatch.setattr(hub.database, "write", self.write)

    async def write(self, change):
        if self.is_full:
            self.refused += 1
            raise DiskFull("No space is left on the hub's disk")
        return await self._write(change)

    def fill(self):
        self.is_full, self.refused = True, 0
