"""Texts inside a Dockerfile and the shell that it calls."""

import json
import re
from collections.abc import Sequence

MAX_LINE_CHARACTERS = 15_000
"""Builders refuse a line of 64 KiB, and a character may have four bytes."""
_SPECIAL = re.compile(r'(["\\$])')
_SPECIAL_IN_PATH = re.compile(r"""(["'\\$])""")
_WILD = re.compile(r"[*?\[]")
_SEAM = re.compile(r"(?<!\\)(?=[^\s#])")
"""Where a line may go on in the next one: not behind a backslash, which would belong to the one
that says so, and neither before a space, which may be lost, nor before a comment's mark."""


def quoted(text: str) -> str:
    """Return a value of ENV or LABEL that stands for exactly this one-line text.

    Source: Dockerfile reference, "Environment replacement" and "LABEL": inside double quotes a
    backslash takes the meaning from a double quote, a dollar sign and a backslash.
    """
    return '"' + _folded(_SPECIAL.sub(r"\\\1", text)) + '"'


def copied(source: str, target: str) -> str:
    """Return a COPY of one path of the context, whatever characters are in it.

    Source: Dockerfile reference, "COPY": a source is a pattern of Go's `filepath.Match`, and both
    are expanded like words of a shell.
    """
    pattern = _WILD.sub(r"[\g<0>]", source.replace("\\", "\\\\"))
    return "COPY " + listed([_SPECIAL_IN_PATH.sub(r"\\\1", path) for path in (pattern, target)])


def listed(words: Sequence[str]) -> str:
    """Return words in the form that reaches no shell."""
    return json.dumps(list(words), ensure_ascii=False)


def joined(commands: Sequence[str]) -> str:
    """Return commands of which each needs the one before, one to a line."""
    return " \\\n    && ".join(commands)


def _folded(text: str) -> str:
    """Return a text that goes on in further lines, where it is long and has a place for it."""
    lines = list[str]()
    while len(text) > MAX_LINE_CHARACTERS:
        seams = [match.end() for match in _SEAM.finditer(text, 1, MAX_LINE_CHARACTERS)]
        if not seams:
            break
        lines.append(text[: seams[-1]])
        text = text[seams[-1] :]
    return "\\\n".join([*lines, text])
