"""The folder that gives a model its `cog`, and nothing else."""

from pathlib import Path

from coghub.settings import Settings


def sdk_path(settings: Settings) -> Path:
    """Return a folder for PYTHONPATH in which `cog` is the only thing to import.

    Raises:
        SDKNotFound: if the SDK is not installed beside this command.
    """
    raise NotImplementedError
