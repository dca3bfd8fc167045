"""errors.md: the codes of both wheels' errors."""

import importlib
import pkgutil
from collections.abc import Iterator

from docs.generate.tables import table

import cog.server
import coghub.domain.distribution_errors  # noqa: F401 - a branch of the tree
from cog.errors import CogError
from coghub.domain.errors import CoghubError

INTRODUCTION = """\
# Errors

Every error has a stable code, a message that says what happened and often a hint that says what to do next.
The command prints both on stderr and exits with 1.
"""

CANCELATION = """\
`CancelationException` has no code.
It is raised in a model's own code when its prediction is canceled, and is no `Exception`, so that `except Exception` does not swallow it."""


def page() -> str:
    """Return the page."""
    lines = [INTRODUCTION]
    for title, base in (("The command", CoghubError), ("SDK and model server", CogError)):
        rows = [(f"`{it.code}`", f"`{it.__name__}`", _meaning(it)) for it in tree(base)]
        lines += [f"## {title}", "", *table(("code", "class", "meaning"), rows), ""]
    return "\n".join([*lines, CANCELATION]) + "\n"


def tree(base: type) -> Iterator[type]:
    """Yield a class and all its subclasses, from the top."""
    for module in pkgutil.iter_modules(cog.server.__path__, "cog.server."):
        importlib.import_module(module.name)
    yield from _below(base)


def _below(base: type) -> Iterator[type]:
    yield base
    for child in base.__subclasses__():
        yield from _below(child)


def _meaning(cls: type) -> str:
    return " ".join((cls.__doc__ or "").partition("\n\n")[0].split())
