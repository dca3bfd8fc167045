"""Patterns as in .gitignore, without negation: a name at any depth, `folder/`, and `**`.

Source: contract 08, section 8.1; gitignore(5), "Pattern format".
"""

import re
from collections.abc import Sequence
from functools import lru_cache


def is_taken(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Tell whether a path, relative and with slashes, is taken."""
    is_included = not include or any(_fits(path, it) for it in include)
    return is_included and not any(_fits(path, it) for it in exclude)


def is_pattern(text: str) -> bool:
    """Tell whether a text is a pattern: one with a range such as `[z-a]` is none."""
    try:
        _compiled(text)
    except re.error:
        return False
    return True


def _fits(path: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    is_folder = pattern.endswith("/")
    body = pattern.strip("/")
    # With a slash inside or before it, it begins at the root; else at any depth.
    begin = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    end = "/.*" if is_folder else "(?:/.*)?"
    return re.compile(begin + _translated(body) + end, re.DOTALL)


def _translated(body: str) -> str:
    made, at = "", 0
    while at < len(body):
        if body.startswith("**/", at):
            made, at = f"{made}(?:.*/)?", at + 3
        elif body.startswith("**", at):
            made, at = f"{made}.*", at + 2
        elif body[at] in "*?":
            made, at = made + ("[^/]*" if body[at] == "*" else "[^/]"), at + 1
        elif body[at] == "[" and "]" in body[at + 2 :]:
            stop = body.index("]", at + 2)
            inside = body[at + 1 : stop].replace("\\", "")
            made, at = f"{made}[{'^' + inside[1:] if inside[0] in '!^' else inside}]", stop + 1
        else:
            made, at = made + re.escape(body[at]), at + 1
    return made
