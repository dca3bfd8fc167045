"""What a `.dockerignore` leaves out.

Source: Docker's documentation, "Build context: .dockerignore files"; patterns are Go's
`filepath.Match` with `**`, the last one that matches decides, and a folder takes all below with it.
"""

import posixpath
import re
from dataclasses import dataclass

from coghub.domain.errors import ProjectUnreadable


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line."""

    expression: re.Pattern[str]
    is_exception: bool
    """It began with `!` and brings back what was left out before."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """All lines of a file, in order."""

    patterns: tuple[Pattern, ...] = ()

    @property
    def has_exceptions(self) -> bool:
        """Whether something below a folder that is left out may come back."""
        return any(pattern.is_exception for pattern in self.patterns)

    def matches(self, path: str) -> bool:
        """Tell whether a path such as "a/b.txt" is left out."""
        places = _with_parents(path)
        is_left_out = False
        for pattern in self.patterns:
            if is_left_out == pattern.is_exception and any(
                pattern.expression.fullmatch(place) for place in places
            ):
                is_left_out = not pattern.is_exception
        return is_left_out


def read_dockerignore(text: str) -> Ignored:
    """Return the patterns of a file's text.

    Raises:
        ProjectUnreadable: if one is not a pattern.
    """
    patterns: list[Pattern] = []
    for raw in text.removeprefix("\ufeff").splitlines():
        line = raw.strip()
        if raw.startswith("#") or not line:
            continue
        is_exception = line.startswith("!")
        cleaned = _cleaned(line[1:].strip() if is_exception else line)
        if cleaned:
            patterns.append(Pattern(_compiled(cleaned), is_exception))
    return Ignored(tuple(patterns))


def _with_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _cleaned(pattern: str) -> str:
    """Return the pattern from the project's root: no dots, no double or outer slashes."""
    if not pattern:
        return ""
    return posixpath.normpath("/" + pattern).lstrip("/")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile("".join(_translated(pattern)), re.DOTALL)
    except re.error as error:
        raise ProjectUnreadable(f"Not a pattern in .dockerignore: {pattern}") from error


_TOKEN = re.compile(
    r"(?P<any>\*\*/?)|(?P<some>\*)|(?P<one>\?)|(?P<set>\[\^?[^\]]+\])|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)


def _translated(pattern: str) -> list[str]:
    """Return the pieces of a regular expression."""
    pieces: list[str] = []
    for token in _TOKEN.finditer(pattern):
        match token.lastgroup:
            case "any":
                pieces.append(".*" if token.end() == len(pattern) else "(?:.*/)?")
            case "some":
                pieces.append("[^/]*")
            case "one":
                pieces.append("[^/]")
            case "set":
                pieces.append(_set(token["set"]))
            case _:
                pieces.append(re.escape(token["escaped"] or token["plain"]))
    return pieces


def _set(text: str) -> str:
    """Return a set such as `[a-z]` or `[^0-9]`, which never matches a slash."""
    inside = re.sub(r"([\\\[&~|])", r"\\\1", text[1:-1].removeprefix("^"))
    return f"(?!/)[{'^' if text.startswith('[^') else ''}{inside}]"
