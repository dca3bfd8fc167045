"""What secrets look like in a text: tokens of well-known services, private keys, passwords."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SHOWN_CHARACTERS = 4
MIN_DIFFERENT = 8
"""A placeholder such as `hf_xxxxxxxxxxxx` has fewer different characters."""
MIN_LETTERS = 16
MIN_TURNS = 8
"""`hf_YourTokenGoesHere` has fewer letters, and fewer changes from small ones to capitals."""
MAX_CANDIDATES = 2_000
"""Of one kind in one text: the time for a hostile one has an end."""
_LONGEST_SCHEME = 16
_WINDOW = 512
"""Nothing that is looked for is longer, as far as it must be seen."""

TOKENS: dict[str, tuple[bytes, bytes]] = {
    "A Hugging Face token": (b"hf_", rb"hf_[A-Za-z0-9]{30,}"),
    "A Replicate token": (b"r8_", rb"r8_[A-Za-z0-9]{30,}"),
    "A hub's token": (b"chub_", rb"chub_[A-Za-z0-9_-]{20,}"),
    "A GitHub token": (b"gh", rb"gh[pousr]_[A-Za-z0-9]{36,}"),
    "A fine-grained GitHub token": (b"github_pat_", rb"github_pat_[A-Za-z0-9_]{40,}"),
    "A GitLab token": (b"glpat-", rb"glpat-[A-Za-z0-9_-]{20,}"),
    "An AWS access key": (b"AKIA", rb"AKIA[A-Z0-9]{16}"),
    "A temporary AWS access key": (b"ASIA", rb"ASIA[A-Z0-9]{16}"),
    "A Google API key": (b"AIza", rb"AIza[A-Za-z0-9_-]{35}"),
    "A Slack token": (b"xox", rb"xox[abprs]-[A-Za-z0-9-]{20,}"),
    "An npm token": (b"npm_", rb"npm_[A-Za-z0-9]{36}"),
    "A PyPI token": (b"pypi-AgEI", rb"pypi-AgEI[A-Za-z0-9_-]{50,}"),
    "A Stripe key": (b"sk_live_", rb"sk_live_[A-Za-z0-9]{20,}"),
    "An API key": (
        b"sk-",
        rb"sk-(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{32,}",
    ),
}
"""What it is → what it begins with, and how all of it looks."""
_SHAPES = {
    what: (begin, re.compile(rb"(?<![A-Za-z0-9_-])(?:" + shape + rb")"))
    for what, (begin, shape) in TOKENS.items()
}
_KEY_BEGIN, _KEY_END = b"-----BEGIN ", b"-----END"
_LONGEST_KEY = 16 * 1024
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n)+[\w+/=:]"
)
_PASSWORD = re.compile(
    rb"[a-z][a-z0-9+.-]{1,15}://[^\s/:@'\"<>${}]{1,200}:([^\s/:@'\"<>${}]{6,200})@"
)


@dataclass(frozen=True, slots=True)
class Secret:
    """One that was found."""

    what: str
    start: int
    end: int
    begin: str
    """What may be shown of it."""
    is_sure: bool
    """It is one, wherever it stands."""


def secrets_in(content: bytes) -> Iterator[Secret]:
    """Yield the secrets of a text, kind by kind."""
    for what, (begin, shape) in _SHAPES.items():
        for at in _places(content, begin):
            found = shape.match(content, at)
            if found and _is_random(found[0]):
                shown = found[0][:SHOWN_CHARACTERS].decode()
                yield Secret(what, found.start(), found.end(), shown, is_sure=True)
    for at in _places(content, _KEY_BEGIN):
        if found := _KEY.match(content, at, at + _WINDOW):
            end = content.find(_KEY_END, at, at + _LONGEST_KEY)
            end = end if end >= 0 else min(at + _LONGEST_KEY, len(content))
            yield Secret("A private key", at, end, "", is_sure=True)
    for at in _places(content, b"://"):
        found = _PASSWORD.search(content, max(0, at - _LONGEST_SCHEME), at + _WINDOW)
        if found and len(set(found[1])) >= SHOWN_CHARACTERS:
            yield Secret("A password in an address", *found.span(1), "", is_sure=False)


def masked(text: str) -> str:
    """Return a text with its secrets cut short."""
    raw = text.encode("utf-8", "surrogateescape")
    spans = sorted({(it.start, it.end, it.begin) for it in secrets_in(raw)})
    pieces: list[bytes] = []
    place = 0
    for start, end, begin in spans:
        if start >= place:
            pieces += [raw[place:start], begin.encode(), b"..."]
            place = end
    return b"".join([*pieces, raw[place:]]).decode("utf-8", "surrogateescape")


def _places(content: bytes, word: bytes) -> Iterator[int]:
    at = content.find(word)
    for _ in range(MAX_CANDIDATES):
        if at < 0:
            return
        yield at
        at = content.find(word, at + 1)


def _is_random(token: bytes) -> bool:
    """Tell whether a token is a real one and no placeholder.

    Those of Hugging Face are letters alone: then many different ones, of both cases in a jumble.
    """
    kinds = len(set(token))
    if re.search(rb"\d", token.partition(b"_")[2] or token):
        return kinds >= MIN_DIFFERENT
    turns = len(re.findall(rb"(?=[a-z][A-Z]|[A-Z][a-z])", token))
    return kinds >= MIN_LETTERS and turns >= MIN_TURNS
