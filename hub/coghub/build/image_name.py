"""Names of bundles and images: `[HOST[:PORT]/]PATH[:TAG]`."""

import re
from pathlib import Path

from coghub.domain.errors import NameInvalid

MAX_DEFAULT_CHARACTERS = 30

_NAMED = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9a-fA-F:]+\])(?::\d+)?"
_HOST = rf"(?:{_NAMED}|[A-Za-z0-9-]+:\d+)/"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_NAME = re.compile(rf"((?:{_HOST})?{_PART}(?:/{_PART})*)(?::({_TAG}))?")


def full_name(name: str) -> str:
    """Return the name with its tag, `latest` unless it says.

    Raises:
        NameInvalid: if it is no name.

    Source: the OCI distribution specification, "Pulling manifests", and Docker's reference grammar.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        hint = "Did you forget `-i`?" if "=" in name else "Names are lower case: `NAME[:TAG]`"
        raise NameInvalid(f"Invalid image name '{name}'. {hint}")
    return f"{match[1]}:{match[2] or 'latest'}"


def default_name(project: Path) -> str:
    """Return the name of an image whose cog.yaml and command line name none."""
    folder = project.absolute().name.lower().replace(" ", "-")
    name = re.sub(r"[^a-z0-9-]", "", folder)
    prefixed = name if name.startswith("cog-") else f"cog-{name}"
    return prefixed[:MAX_DEFAULT_CHARACTERS].rstrip("-")
