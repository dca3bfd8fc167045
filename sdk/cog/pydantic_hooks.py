"""What pydantic 1 and 2 ask a class for, so that it can be the type of a model's field."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar


class PydanticField:
    """A class whose `validate` makes an instance of what a field was given.

    Nothing here is called, and pydantic is not imported, but by pydantic itself.
    """

    __slots__ = ()

    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "uri"}

    @classmethod
    def validate(cls, value: Any) -> Any:
        """Return the value as this type.

        Raises:
            ValueError: if it cannot be one.
        """
        raise NotImplementedError

    @classmethod
    def __get_validators__(cls) -> Iterator[Callable[[Any], Any]]:
        """Source: pydantic 1, "Classes with `__get_validators__`"."""
        yield cls.validate

    @classmethod
    def __modify_schema__(cls, field_schema: dict[str, Any]) -> None:
        """Source: pydantic 1, "Modifying schema in custom fields"."""
        field_schema.update(cls.json_schema)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Source: pydantic 2, "Customizing validation with `__get_pydantic_core_schema__`"."""
        from pydantic_core import core_schema  # noqa: PLC0415 - the user's, where it is installed

        return core_schema.no_info_plain_validator_function(
            cls.validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _core_schema: Any, _handler: Any) -> dict[str, Any]:
        """Source: pydantic 2, "Implementing `__get_pydantic_json_schema__`"."""
        return dict(cls.json_schema)
