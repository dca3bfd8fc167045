"""A collection that somebody asks for: it is written down, unlike those that the hub makes."""

from dataclasses import asdict

from coghub.database.audit import Audit
from coghub.domain.audit import Action
from coghub.parts import Hub
from coghub.registry.collection import Collected, Collection

SUBJECT = "registry"


async def collect(hub: Hub) -> Collected:
    """Remove what nothing in the registry leads to, and return how much it was."""
    removed = await Collection(hub).tick()
    note = Audit(hub.now).of(Action.GARBAGE_COLLECT, SUBJECT, **asdict(removed))
    await hub.database.write(note)
    return removed
