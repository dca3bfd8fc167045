"""Which Cog this is, and which coghub."""

import cog
from coghub import __version__


def version_line() -> str:
    """Return the version of Cog whose contract is met, then our own as the second word."""
    return f"{cog.__version__} {__version__} (Cog's contract, coghub)"
