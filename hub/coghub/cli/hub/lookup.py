"""Finds what an operator names: they may see everything, so `Access` is not asked."""

from coghub.database import models as rows
from coghub.domain.errors import ModelNotFound, UsageError
from coghub.domain.model import Model
from coghub.parts import Hub


async def model_named(hub: Hub, full_name: str) -> Model:
    """Return the model of a name such as `alice/resize`.

    Raises:
        ModelNotFound: if there is none.
        UsageError: if it is no such name.
    """
    owner, slash, name = full_name.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise UsageError(f"Not the name of a model: {full_name}", hint="It is OWNER/MODEL")
    model = await hub.database.read(lambda c: rows.by_name(c, owner, name))
    if model is None:
        raise ModelNotFound(full_name)
    return model
