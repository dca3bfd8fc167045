"""What a model takes and gives, as one frozen value.

`inspection` makes an `Interface` from a real signature. `openapi` turns it into a document and
`coercion` uses it to make arguments; neither looks at a signature again.
"""

from dataclasses import dataclass
from typing import Any

from cog.schema.value_types import (
    STRING,
    ChoiceType,
    FileType,
    ListType,
    NullableType,
    StreamType,
    TupleType,
    Type,
    UnionType,
    Value,
    without_none,
)


class _Required:
    """The default of a parameter that has none."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(eq=False, repr=False)
class Parameter(Value):
    """One input of a model."""

    name: str
    """As clients see it: the spelling in the source."""
    keyword: str
    """As the function wants it: other than `name` where Python has mangled it."""
    type: Type
    default: Any = REQUIRED
    description: str | None = None
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    regex: str | None = None
    is_deprecated: bool = False
    accept: str | None = None

    @property
    def has_limits(self) -> bool:
        """Whether some values of its type are refused."""
        limits = (self.ge, self.le, self.min_length, self.max_length, self.regex)
        return limits != (None, None, None, None, None)

    @property
    def is_required(self) -> bool:
        """Whether a client must give it; what may be None may be left out."""
        return self.default is REQUIRED and not isinstance(self.type, NullableType)


@dataclass(eq=False, repr=False)
class Interface(Value):
    """Everything about a model that can be known without running it."""

    mode: str
    """`predict` or `train`."""
    parameters: tuple[Parameter, ...]
    output: Type
    is_async: bool = False
    """Calling it gives an awaitable or an async generator."""
    is_wrapped: bool = False
    """Async, but inside a plain function, which may run an event loop of its own."""
    is_streaming: bool = False
    """Decorated with `@streaming`: clients may ask for server-sent events."""
    concurrency: int | None = None
    """What `@concurrent` says; None without it."""
    takes_weights: bool = False
    """`setup` has a parameter called `weights`."""
    weights_annotation: Any = None
    """How that parameter is annotated."""

    @property
    def output_is_list(self) -> bool:
        """Whether the output is a JSON array, however it is returned."""
        return isinstance(without_none(self.output), (ListType, TupleType, StreamType))

    @property
    def output_is_file(self) -> bool:
        """Whether the output, or each item of it, is a file: output adapters apply."""
        return any(isinstance(member, FileType) for member in _members(self.output))

    @property
    def output_is_text(self) -> bool:
        """Whether the output, or each item of it, may be text that is no file's path."""
        members = _members(self.output)
        return STRING in members or any(isinstance(member, ChoiceType) for member in members)


def _members(output: Type) -> tuple[Type, ...]:
    """Return what an output, or each item of it, may be."""
    output = without_none(output)
    if isinstance(output, (ListType, StreamType)):
        output = without_none(output.items)
    return output.members if isinstance(output, UnionType) else (output,)
