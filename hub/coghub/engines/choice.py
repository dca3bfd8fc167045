"""Which engine runs a project."""

from coghub.domain.errors import SettingInvalid
from coghub.engines.base import Engine
from coghub.engines.local import LocalEngine
from coghub.settings import Settings


def engine_of(settings: Settings) -> Engine:
    """Return the engine that the settings ask for.

    Raises:
        SettingInvalid: if it is one that this version does not have.
    """
    if settings.engine == "docker":
        raise SettingInvalid(
            "The Docker engine is not available in this version",
            hint="Run on this machine itself with `COG_ENGINE=local`",
        )
    return LocalEngine(settings)
