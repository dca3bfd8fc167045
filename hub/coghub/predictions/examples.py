"""Predictions that a model shows to everyone who sees it. Who may choose them is for the caller."""

from sqlalchemy import Connection

from coghub.database import examples as rows
from coghub.database.audit import Audit
from coghub.database.database import Database
from coghub.domain.audit import Action
from coghub.domain.clock import Clock
from coghub.domain.errors import RequestInvalid
from coghub.domain.model import Model
from coghub.domain.prediction import Prediction, Status
from coghub.predictions.predictions import Predictions

MAX_EXAMPLES = 24
"""Of a model that are shown."""


class Examples:
    """The examples of a hub's models."""

    def __init__(self, database: Database, predictions: Predictions, now: Clock) -> None:
        self._database = database
        self._predictions = predictions
        self._now = now
        self._audit = Audit(now)

    async def of_model(self, model: Model, *, limit: int = MAX_EXAMPLES) -> list[Prediction]:
        """Return what a model shows, the newest first."""
        ids = await self._database.read(lambda c: rows.of_model(c, model.id, limit=limit))
        return [await self._predictions.find(each) for each in ids]

    async def has(self, prediction: Prediction) -> bool:
        """Tell whether a prediction is an example of its model."""
        return await self._database.read(lambda c: rows.is_one(c, prediction.id))

    async def add(self, prediction: Prediction) -> None:
        """Show a prediction, and keep its data.

        Raises:
            RequestInvalid: if it has not succeeded, or its data is gone.
        """
        now = self._now()
        note = self._audit.of(Action.EXAMPLE_ADD, prediction.model, prediction=prediction.id)

        def add(connection: Connection) -> bool:
            is_added = rows.add(connection, prediction.id, now)
            if is_added:
                note(connection)
            return is_added

        may_be = prediction.status is Status.SUCCEEDED and not prediction.is_training
        is_added = may_be and await self._database.write(add)
        if not is_added:
            raise RequestInvalid("Only a prediction that succeeded and has its data is an example")

    async def remove(self, prediction: Prediction) -> None:
        """Show it no more; its data is kept as long as that of others."""
        note = self._audit.of(Action.EXAMPLE_REMOVE, prediction.model, prediction=prediction.id)

        def remove(connection: Connection) -> None:
            rows.remove(connection, prediction.id)
            note(connection)

        await self._database.write(remove)
