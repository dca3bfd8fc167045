"""Files of a project that have the name of a module which its processes need.

The project's folder comes first where Python looks for modules. Most such names do no harm, so
nothing is refused for its name: this is asked once something has failed.
"""

import re
import sys
from pathlib import Path

_BLAMED = re.compile(r"Error: .*?(?:from|module|named|not found on|;) '(\w+)")
"""How Python says that a module is not what it was taken for."""
_MODULES = sys.stdlib_module_names | {"cog"}


def hidden_module(folder: Path, error: str) -> str | None:
    """Return what in the folder hides a module of Python's or `cog`, if the error comes from that.

    Args:
        folder: The project's.
        error: The last lines of a traceback.
    """
    for name in _BLAMED.findall(error):
        for own in (f"{name}.py", f"{name}/__init__.py"):
            if name in _MODULES and (folder / own).is_file():
                return own
    return None


def rename_hint(folder: Path, error: str) -> str | None:
    """Return what to do about such a file; None where there is none."""
    own = hidden_module(folder, error)
    return own and f"Rename {own} in your project: it hides a module of the same name"
