"""The argument of `setup(self, weights)`: what COG_WEIGHTS names, or `./weights`, or None.

Cog up to 0.16 converted it as its annotation says; later ones pass the string in any case. We
convert where a file is asked for, and pass the string otherwise.
"""

import typing
from pathlib import Path as AnyPath
from types import NoneType, UnionType
from typing import Any

from cog import types
from cog.schema.interface import Interface

DEFAULT = AnyPath("weights")
"""A file or folder of the project, taken where COG_WEIGHTS is not set."""


def arguments(interface: Interface, value: str | None) -> dict[str, Any]:
    """Return the keyword arguments of `setup`: none unless it has a parameter called `weights`."""
    if not interface.takes_weights:
        return {}
    wanted = _without_none(interface.weights_annotation)
    if isinstance(wanted, type) and issubclass(wanted, AnyPath):
        return {"weights": _path(value)}
    if wanted is types.File:
        return {"weights": _file(value)}
    return {"weights": value}


def _path(value: str | None) -> AnyPath | None:
    if value is None:
        return types.Path(DEFAULT) if DEFAULT.exists() else None
    path = types.Path.validate(value)
    return path.convert() if isinstance(path, types.URLPath) else path


def _file(value: str | None) -> Any:
    path = _path(value)
    return None if path is None else path.open("rb")


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) not in {typing.Union, UnionType}:
        return annotation
    members = [it for it in typing.get_args(annotation) if it is not NoneType]
    return members[0] if len(members) == 1 else annotation
