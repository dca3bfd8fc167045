"""The public names of Cog, from 0.9 to 0.23, in both spellings.

This is the one façade of the repository.
Importing it is quick, and needs the standard library only.
"""

import typing

from cog import mimetypes_ext
from cog.batching import batch
from cog.decorators import concurrent, streaming
from cog.errors import CancelationException
from cog.input import FieldInfo, Input
from cog.model import BaseModel
from cog.predictor import BasePredictor, BaseRunner
from cog.scope import current_scope
from cog.types import (
    AsyncConcatenateIterator,
    ConcatenateIterator,
    File,
    Opaque,
    Path,
    Secret,
    URLFile,
    URLPath,
)

__version__ = "0.23.1"
"""The Cog whose contract is met; our own version is that of the package."""

__all__ = [
    "AsyncConcatenateIterator",
    "BaseModel",
    "BasePredictor",
    "BaseRunner",
    "CancelationException",
    "ConcatenateIterator",
    "ExperimentalFeatureWarning",
    "FieldInfo",
    "File",
    "Input",
    "Opaque",
    "Path",
    "Secret",
    "URLFile",
    "URLPath",
    "__version__",
    "batch",
    "concurrent",
    "current_scope",
    "emit_metric",
    "streaming",
]

mimetypes_ext.install()


def __getattr__(name: str) -> typing.Any:
    """Import the names of older versions when a model asks for them."""
    if name in {"ExperimentalFeatureWarning", "emit_metric"}:
        from cog import experimental  # noqa: PLC0415 - only old models ask

        return getattr(experimental, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
