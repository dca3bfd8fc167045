"""Texts inside a Dockerfile and the shell that it calls."""

import json
import re
from collections.abc import Sequence

_SPECIAL = re.compile(r'(["\\$])')


def quoted(text: str) -> str:
    """Return a value of ENV or LABEL that stands for exactly this one-line text.

    Source: Dockerfile reference, "Environment replacement" and "LABEL": inside double quotes a
    backslash takes the meaning from a double quote, a dollar sign and a backslash.
    """
    return '"' + _SPECIAL.sub(r"\\\1", text) + '"'


def listed(words: Sequence[str]) -> str:
    """Return words in the form that reaches no shell."""
    return json.dumps(list(words), ensure_ascii=False)


def joined(commands: Sequence[str]) -> str:
    """Return commands of which each needs the one before, one to a line."""
    return " \\\n    && ".join(commands)
