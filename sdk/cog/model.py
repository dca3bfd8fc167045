"""`BaseModel`: a result with named fields, for both worlds of Cog.

Since 0.17 it is a dataclass: fields may be given in order, and nothing is checked or converted.
Before, it was pydantic's: fields in any order of defaults, lists as defaults, `Field(...)`,
`.dict()` and `.json()`. Here all of that works, without pydantic.
"""

from collections.abc import Iterable
from typing import Any


class BaseModel:
    """A value with named fields; each subclass becomes a dataclass.

    Fields that may be None may be omitted, and so may those with a default.
    """

    def __init_subclass__(
        cls, *, auto_dataclass: bool = True, init: bool = True, **kwargs: Any
    ) -> None:
        """Make the subclass a dataclass.

        Args:
            auto_dataclass: Leave the class as it is, if false.
            init: Write an `__init__`; the class has its own, if false.
            kwargs: For other base classes.

        Raises:
            ValueError: if a subclass of a dataclass shall be none.
        """
        super().__init_subclass__(**kwargs)
        if auto_dataclass:
            from cog import model_fields  # noqa: PLC0415 - `import cog` stays light

            model_fields.make_dataclass(cls, BaseModel, init=init)
        elif hasattr(cls, "__dataclass_fields__"):
            parent = cls.__bases__[0].__name__
            raise ValueError(
                f'Primary base class of "{cls.__name__}" ("{parent}") has auto_dataclass=True, '
                f'but "{cls.__name__}" has auto_dataclass=False. '
                "This creates broken field inheritance."
            )

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool | None = None,  # noqa: ARG002 - no field has an alias
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the fields as a dict, and so for models inside; `mode="json"` makes it JSON."""
        from cog import model_dump  # noqa: PLC0415 - `import cog` stays light

        dumped = model_dump.dumped(self, exclude_none=exclude_none)
        left_out = set(exclude or ())
        kept = set(dumped if include is None else include)
        chosen = {
            name: value for name, value in dumped.items() if name in kept and name not in left_out
        }
        return model_dump.as_json(chosen) if mode == "json" else chosen

    def model_dump_json(self, *, indent: int | None = None, **kwargs: Any) -> str:
        """Return the fields as JSON text; takes what `model_dump` takes."""
        import json  # noqa: PLC0415 - `import cog` stays light

        separators = (",", ":") if indent is None else None
        fields = self.model_dump(mode="json", **kwargs)
        return json.dumps(fields, indent=indent, separators=separators, ensure_ascii=False)

    def model_copy(self, *, update: dict[str, Any] | None = None) -> Any:
        """Return a copy with some fields changed."""
        import dataclasses  # noqa: PLC0415 - `import cog` stays light

        return dataclasses.replace(self, **(update or {}))  # pyrefly: ignore

    def json(self, *, indent: int | None = None, **kwargs: Any) -> str:
        """Return the fields as JSON text, as pydantic 1 wrote it."""
        import json  # noqa: PLC0415 - `import cog` stays light

        return json.dumps(self.model_dump(mode="json", **kwargs), indent=indent)

    def copy(self, *, update: dict[str, Any] | None = None) -> Any:
        """Return a copy with some fields changed; pydantic 1's name of `model_copy`."""
        return self.model_copy(update=update)

    def dict(self, **kwargs: Any) -> "dict[str, Any]":
        """Return the fields as a dict; pydantic 1's name of `model_dump`."""
        return self.model_dump(**kwargs)
