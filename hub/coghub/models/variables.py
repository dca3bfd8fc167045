"""Environment variables of a model's instances: plain ones and secrets.

Both are sealed in rows and given to an instance when it starts. Neither is ever shown again: a
variable that holds no secret today may hold one tomorrow. Who may change them is for the caller to
ask, see `Access.writable`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from coghub.database import variables as rows
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.database.encryption import Box
from coghub.domain.audit import Action
from coghub.domain.clock import Clock, utc_now
from coghub.domain.errors import RequestInvalid, VariableNotFound
from coghub.domain.model import Model

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
MAX_VALUE_BYTES = 16 * 1024
MAX_VARIABLES = 64
"""Together with the limit of values 1 MiB: Linux takes no more than 2 MiB with a new process."""

RESERVED = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "HOME",
        "KUBERNETES_SERVICE_HOST",
        "LD_PRELOAD",
        "LOG_FORMAT",
        "PATH",
        "PORT",
        "PYTHONHOME",
        "PYTHONPATH",
        "TMPDIR",
        "WEBHOOK_AUTH_TOKEN",
    }
)
"""What the hub itself gives to an instance, or what would reach the server beside the model."""
RESERVED_PREFIXES = ("COG_", "COGHUB_")
FREE = frozenset({"COG_WEIGHTS"})
"""Begins like a reserved one, and is the model's own."""


@dataclass(frozen=True, slots=True)
class Variable:
    """What may be shown of a variable."""

    name: str
    is_secret: bool


class Variables:
    """The variables of a hub's models."""

    def __init__(self, database: Database, box: Box, now: Clock = utc_now) -> None:
        self._database = database
        self._box = box
        self._audit = Audit(now)

    async def put(self, model: Model, name: str, value: str, *, is_secret: bool) -> None:
        """Set a variable; instances that run keep what they started with.

        Raises:
            RequestInvalid: if name or value cannot be used, or the model has too many.
        """
        _require_name(name)
        _require_value(name, value)
        sealed = self._box.seal(value.encode())
        note = self._audit.of(Action.VARIABLE_SET, model.full_name, name=name, is_secret=is_secret)

        def change(connection: Connection) -> None:
            rows.put(connection, model.id, name, sealed=sealed, is_secret=is_secret)
            if rows.count(connection, model.id) > MAX_VARIABLES:
                raise RequestInvalid(f"A model has at most {MAX_VARIABLES} variables")
            note(connection)

        await self._database.write(change)

    async def remove(self, model: Model, name: str) -> None:
        """Remove a variable.

        Raises:
            VariableNotFound: if the model has none of that name.
        """
        note = self._audit.of(Action.VARIABLE_UNSET, model.full_name, name=name)

        def unset(connection: Connection) -> bool:
            was_set = rows.remove(connection, model.id, name)
            if was_set:
                note(connection)
            return was_set

        if not await self._database.write(unset):
            raise VariableNotFound(name, model.full_name)

    async def names(self, model: Model) -> Sequence[Variable]:
        """Return which variables a model has, by name."""
        found = await self._database.read(lambda c: rows.of_model(c, model.id))
        return [Variable(row["name"], row["is_secret"]) for row in found]

    async def environment_of(self, model_id: int) -> dict[str, str]:
        """Return names and values, for an instance that starts.

        Raises:
            KeyFileInvalid: if they were sealed with another key.
        """
        found = await self._database.read(lambda c: rows.of_model(c, model_id))
        return {row["name"]: self._box.open(row["value"]).decode() for row in found}

    async def secrets_of(self, model_id: int) -> list[str]:
        """Return the values of the secrets alone: what logs must not show.

        Raises:
            KeyFileInvalid: if they were sealed with another key.
        """
        found = await self._database.read(lambda c: rows.of_model(c, model_id))
        return [self._box.open(row["value"]).decode() for row in found if row["is_secret"]]


def _require_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise RequestInvalid(
            f"Not a name for a variable: {name}",
            hint="Use letters, digits and `_`, and no digit first",
        )
    is_reserved = name in RESERVED or (name.startswith(RESERVED_PREFIXES) and name not in FREE)
    if is_reserved:
        raise RequestInvalid(f"The hub sets this variable itself: {name}")


def _require_value(name: str, value: str) -> None:
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError as error:
        raise RequestInvalid(f"The value of `{name}` is not text") from error
    if "\0" in value:
        raise RequestInvalid(f"The value of `{name}` has a zero byte in it")
    if size_bytes > MAX_VALUE_BYTES:
        raise RequestInvalid(f"The value of `{name}` is longer than {MAX_VALUE_BYTES} bytes")
