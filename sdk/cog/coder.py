"""A registry of encoders for types of the user's own; consulted for outputs only."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Optional


class Coder(ABC):
    """Turns values of some type into a JSON object and back.

    Subclass it, then `Coder.register(YourCoder)`: outputs of the types that its `factory`
    accepts are encoded by it.
    """

    _coders: ClassVar[list[type["Coder"]]] = []

    @staticmethod
    def register(coder: type["Coder"]) -> None:
        """Add a coder; those added later are asked first."""
        if coder not in Coder._coders:
            Coder._coders.insert(0, coder)

    @staticmethod
    def lookup(tpe: Any) -> Optional["Coder"]:
        """Return a coder of the first kind that accepts the type, or None."""
        found = (coder.factory(tpe) for coder in Coder._coders)
        return next((coder for coder in found if coder is not None), None)

    @staticmethod
    @abstractmethod
    def factory(tpe: Any) -> Optional["Coder"]:
        """Return a coder for the type, or None if it is not one of this coder's."""

    @abstractmethod
    def encode(self, x: Any) -> dict[str, Any]:
        """Return a value as a JSON object."""

    @abstractmethod
    def decode(self, x: dict[str, Any]) -> Any:
        """Return the value of a JSON object."""
