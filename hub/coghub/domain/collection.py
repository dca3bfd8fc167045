"""Groups of models, which whoever runs the hub puts together."""

import re
from dataclasses import dataclass

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Collection:
    """A group of models."""

    id: int
    slug: str
    """Its name in URLs."""
    name: str
    description: str
    full_description: str | None = None
    """Markdown."""


def is_slug(text: str) -> bool:
    """Tell whether a collection may have this slug."""
    return len(text) <= MAX_SLUG_CHARACTERS and SLUG.fullmatch(text) is not None
