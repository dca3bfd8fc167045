"""Files inside objects and lists, which a server sends as data URLs in the middle of the JSON."""

import re
from collections.abc import Callable
from typing import Any

_FILE = re.compile(r"data:[^,;]*;base64,")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def files_written(value: Any, write: Callable[[str, str], str], *, label: str = "") -> Any:
    """Return the value with each file in it replaced by the path where it was written.

    Args:
        value: JSON; itself no file.
        write: Writes the file behind a URL under a label, such as `pages.0.image`, and returns the
            path.
        label: Where the value stands in the whole output.
    """
    match value:
        case dict():
            return {
                key: files_written(item, write, label=_below(label, key))
                for key, item in value.items()
            }
        case list():
            return [
                files_written(item, write, label=_below(label, index))
                for index, item in enumerate(value)
            ]
        case str() if label and _FILE.match(value):
            return write(value, label)
        case _:
            return value


def _below(label: str, part: str | int) -> str:
    """Return a label that is fit for a file name, whatever the model called its field."""
    own = _UNFIT.sub("_", str(part)) or "_"
    return f"{label}.{own}" if label else own
