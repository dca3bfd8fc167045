"""`Input()`: what a parameter's default says about it, beyond its type.

The server puts the default in the place of the `FieldInfo` before it calls the model.
Who calls `Predictor().predict()` themselves passes every argument, or asks
`cog.schema.coercion.arguments` for them: a plain call leaves the `FieldInfo` where it stands.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn


class FieldInfo:
    """The value that `Input()` returns; frozen."""

    default: Any
    """The value of an omitted input; None also where there is none, see `has_default`."""
    has_default: bool
    """A default was given, be it None: the input may be omitted."""
    description: str | None
    ge: float | None
    le: float | None
    min_length: int | None
    max_length: int | None
    regex: str | None
    """A JSON schema `pattern`: searched for, not anchored."""
    choices: list[Any] | None
    deprecated: bool | None
    accept: str | None
    """What a file chooser offers, such as `image/*` or `.wav,.mp3`."""

    def __init__(  # noqa: PLR0913, PLR0917 - Cog's signature
        self,
        default: Any = ...,
        description: str | None = None,
        ge: float | None = None,
        le: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        regex: str | None = None,
        choices: Iterable[Any] | None = None,
        deprecated: bool | None = None,  # noqa: FBT001 - Cog's signature
        accept: str | None = None,
    ) -> None:
        vars(self).update(
            default=None if default is ... else default,
            has_default=default is not ...,
            description=description,
            ge=ge,
            le=le,
            min_length=min_length,
            max_length=max_length,
            regex=regex,
            choices=None if choices is None else _listed(choices),
            deprecated=deprecated,
            accept=accept,
        )

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"cannot assign to field '{name}'")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete field '{name}'")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldInfo) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"FieldInfo({values})"


def Input(  # noqa: N802, PLR0913 - Cog's name and signature
    default: Any = ...,
    description: str | None = None,
    *,
    default_factory: Callable[..., Any] | None = None,
    ge: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    regex: str | None = None,
    choices: Iterable[Any] | None = None,
    deprecated: bool | None = None,
    accept: str | None = None,
) -> Any:
    """Describe an input of a model, as its parameter's default.

    Args:
        default: The value of an omitted input. None makes the input optional, whatever its type;
            without it, or with `...`, the input is required.
        description: Shown beside the input.
        default_factory: Refused; it is here for its message.
        ge: Smallest number.
        le: Largest number.
        min_length: Fewest characters.
        max_length: Most characters.
        regex: A pattern that the text must contain; anchor it with `^` and `$` to match all of it.
        choices: The values that are allowed; any iterable, such as a dict's keys.
        deprecated: Marks the input as one that callers should leave out.
        accept: What a file chooser offers, such as `image/*` or `.wav,.mp3`; on files only.

    Raises:
        TypeError: if there is a `default_factory`.
    """
    if default_factory is not None:
        raise TypeError(
            "default_factory is not supported in Input(). Use a literal default: Input(default=...)"
        )
    return FieldInfo(
        default=default,
        description=description,
        ge=ge,
        le=le,
        min_length=min_length,
        max_length=max_length,
        regex=regex,
        choices=choices,
        deprecated=deprecated,
        accept=accept,
    )


def _listed(choices: Iterable[Any]) -> list[Any]:
    """Return choices in the order given; a set's order changes from run to run, so it is sorted."""
    if isinstance(choices, (set, frozenset)):
        return sorted(choices, key=lambda choice: (str(type(choice)), choice))
    return list(choices)
