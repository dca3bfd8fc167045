"""From the user's code to an `Interface`.

1. The signature is read as its author wrote it (`signatures`).
2. Each annotation becomes a type (`annotations`), and `Input()` adds what it says.
3. What could never be sent is refused here, before `setup` runs: limits that fit no type,
   defaults that break their own limits.
"""

import dataclasses
import inspect
from typing import Any

from cog.batching import BatchMethod
from cog.decorators import CONCURRENT_MARK, STREAMING_MARK
from cog.errors import InputError, SchemaError
from cog.input import FieldInfo
from cog.schema import coercion, constraints
from cog.schema.annotations import Reader, type_name
from cog.schema.interface import REQUIRED, Interface, Parameter
from cog.schema.loading import Model
from cog.schema.signatures import MISSING, Argument, Names, signature_of
from cog.schema.simple_types import choice_type, plain
from cog.schema.value_types import (
    Anything,
    ChoiceType,
    FileType,
    ListType,
    NullableType,
    SecretType,
    StreamType,
    Type,
    without_none,
)

BATCHED = "@batch is for a method that {name}() awaits, not for {name}() itself"
BATCHED_HINT = "Move what it computes into a method of its own, from a list to a list"

_ASYNC = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)


def interface_of(model: Model) -> Interface:
    """Return what a model takes and gives.

    Raises:
        SchemaError: if the signature has something that no schema can say.
    """
    name = model.method_name
    if isinstance(model.function, BatchMethod):
        raise SchemaError(BATCHED.format(name=name), hint=BATCHED_HINT)
    is_method = model.function is not model.target
    signature = signature_of(model.function, is_method=is_method, name=name)
    function = getattr(model.function, "__func__", model.function)
    is_generator = _is(function, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    output = Reader(signature.names, is_output=True).read_output(
        signature.returns, is_generator=is_generator
    )
    takes_weights, weights_annotation = _weights(model)
    interface = Interface(
        mode=model.mode,
        parameters=tuple(
            _parameter(argument, signature.names, name) for argument in signature.arguments
        ),
        output=output,
        is_async=_is(function, *_ASYNC),
        is_wrapped=not _is_itself(function, *_ASYNC) and _is(function, *_ASYNC),
        is_streaming=bool(getattr(function, STREAMING_MARK, False)),
        concurrency=getattr(function, CONCURRENT_MARK, None),
        takes_weights=takes_weights,
        weights_annotation=weights_annotation,
    )
    _check_decorators(interface)
    return interface


def _is(function: Any, *questions: Any) -> bool:
    """Ask about a function and, where a decorator has wrapped it, about the one inside."""
    innermost = inspect.unwrap(function)
    return any(_is_itself(one, *questions) for one in (function, innermost))


def _is_itself(function: Any, *questions: Any) -> bool:
    call = vars(type(function)).get("__call__")
    return any(question(one) for question in questions for one in (function, call))


def _parameter(argument: Argument, names: Names, function_name: str) -> Parameter:
    if argument.annotation is MISSING:
        raise SchemaError(f"parameter '{argument.name}' on {function_name} has no type annotation")
    try:
        annotation = names.resolve(argument.annotation)
        read = Reader(names).read(annotation)
    except SchemaError as error:
        message = f"parameter '{argument.name}': {error.message}"
        raise SchemaError(message, error.hint) from error.__cause__
    return _described(argument, annotation, read)


def _described(argument: Argument, annotation: Any, read: Type) -> Parameter:
    described, default = _field(annotation, argument.default)
    written = type_name(annotation)
    if described.choices is not None:
        read = _with_choices(read, described.choices, f"{argument.name}: {written}")
    if default is None and isinstance(read, SecretType):
        read = NullableType(read)
    parameter = Parameter(
        name=argument.name,
        keyword=argument.keyword,
        type=read,
        default=default,
        description=described.description,
        ge=plain(described.ge),
        le=plain(described.le),
        min_length=described.min_length,
        max_length=described.max_length,
        regex=described.regex,
        is_deprecated=bool(described.deprecated),
        accept=described.accept,
    )
    constraints.check_declaration(parameter, written)
    _check_default(parameter, written)
    return parameter


def _field(annotation: Any, default: Any) -> tuple[FieldInfo, Any]:
    """Return what `Input()` says, as the default or inside `Annotated`, and the default itself."""
    if isinstance(default, FieldInfo):
        return default, default.default if default.has_default else REQUIRED
    marks = getattr(annotation, "__metadata__", ())
    described = next((mark for mark in marks if isinstance(mark, FieldInfo)), FieldInfo())
    if default is not MISSING and default is not ...:
        return described, default
    return described, described.default if described.has_default else REQUIRED


def _with_choices(read: Type, choices: list[Any], subject: str) -> Type:
    """Return a type narrowed to its choices; those of a list are for its items."""
    if isinstance(read, NullableType):
        present = [choice for choice in choices if choice is not None]
        return NullableType(_with_choices(read.type, present, subject))
    if isinstance(read, ListType):
        return dataclasses.replace(read, items=_with_choices(read.items, choices, subject))
    if not choices:
        raise SchemaError(f"choices=[] must have >= 2 elements: {subject}")
    if isinstance(read, ChoiceType):
        return _fewer(read, choices, subject)
    narrowed = choice_type(choices)
    if isinstance(read, Anything):
        return narrowed
    try:
        members = tuple(coercion.coerce_choice(read, value) for value in narrowed.values)
    except InputError as error:
        message = f"not all choices have the same type as input: {subject}"
        raise SchemaError(message) from error
    return ChoiceType(narrowed.values, members)


def _fewer(read: ChoiceType, choices: list[Any], subject: str) -> ChoiceType:
    """Return those members of an Enum or Literal that are also choices."""
    wanted = choice_type(choices).values
    pairs = [pair for pair in zip(read.values, read.members, strict=True) if pair[0] in wanted]
    if len(pairs) < len(set(wanted)):
        raise SchemaError(f"not all choices have the same type as input: {subject}")
    return ChoiceType(tuple(value for value, _ in pairs), tuple(member for _, member in pairs))


def _check_default(parameter: Parameter, written: str) -> None:
    default, core = parameter.default, without_none(parameter.type)
    if default is REQUIRED or default is None:
        return
    if isinstance(core, FileType) and isinstance(default, str):
        return  # its file is opened when it is needed
    try:
        value = coercion.coerce_default(parameter)
    except InputError as error:
        reason = error.message.removeprefix(f"{parameter.name}: ")
        message = f"invalid default for {parameter.name}: {written}: {reason}"
        raise SchemaError(message) from error
    constraints.check_default(parameter, value, written)


def _check_decorators(interface: Interface) -> None:
    is_open = isinstance(interface.output, Anything) and not interface.output.is_documented
    if interface.is_streaming and not isinstance(interface.output, StreamType) and not is_open:
        raise SchemaError("@streaming requires an iterator return type")
    if (interface.concurrency or 1) > 1 and not interface.is_async:
        raise SchemaError("@concurrent(max > 1) requires an async run() or predict() method")


def _weights(model: Model) -> tuple[bool, Any]:
    """Tell whether `setup` takes weights, and how it annotates them; None where that is unclear."""
    setup = getattr(model.target, "setup", None)
    if not callable(setup):
        return False, None
    signature = signature_of(setup, is_method=model.is_class, name="setup")
    found = [one.annotation for one in signature.arguments if one.name == "weights"]
    try:
        annotation = signature.names.resolve(found[0]) if found else MISSING
    except SchemaError:
        annotation = MISSING
    return bool(found), None if annotation is MISSING else annotation
