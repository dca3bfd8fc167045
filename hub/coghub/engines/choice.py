"""Which engine runs a project."""

from coghub.engines.base import Engine
from coghub.engines.local import LocalEngine
from coghub.settings import Settings


def engine_of(settings: Settings) -> Engine:
    """Return the engine that the settings ask for; else Docker where an engine answers.

    Raises:
        DockerUnreachable: if Docker is asked for by name, and there is no `docker` command.
    """
    if settings.engine == "local":
        return LocalEngine(settings)
    from coghub.build.docker.client import is_answering  # noqa: PLC0415 - only where it may be used

    if settings.engine is None and not is_answering(settings):
        return LocalEngine(settings)
    from coghub.engines.docker import DockerEngine  # noqa: PLC0415 - the same

    return DockerEngine(settings)
