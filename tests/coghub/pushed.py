"""Makes a version as a push does, for tests of what comes after."""

from coghub.database import models as rows


async def register_version(hub, model, version):
    """Make a version of a model, and the model's latest; return it."""
    now = hub.now()
    return await hub.database.write(lambda c: rows.add_version(c, model.id, version, now))
