"""What clients do with trainings: make, get, list, cancel.

A training is a prediction that has a destination: it waits, runs, tells and ends as others do, on
an instance of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coghub.database.predictions import Filter
from coghub.domain.account import Account
from coghub.domain.errors import (
    DestinationNotFound,
    ModelNotFound,
    PredictionNotFound,
    RequestInvalid,
    TrainingNotFound,
)
from coghub.domain.model import Model, Version
from coghub.domain.page import Cursor, Page
from coghub.domain.prediction import Prediction
from coghub.models.access import Access
from coghub.predictions.predictions import Order, Predictions

TRAININGS = Filter(is_training=True)


class Trainings:
    """The trainings of a hub, as far as an account may see them."""

    def __init__(self, predictions: Predictions, access: Access) -> None:
        self._predictions = predictions
        self._access = access

    async def create(self, account: Account, order: Order, destination: str) -> Prediction:
        """Make a training that waits for an instance.

        Args:
            account: who asks for it.
            order: what is asked for; its version is the one that trains.
            destination: `owner/name` of the model that gets the new version.

        Raises:
            DestinationNotFound: if there is no such model that the account may see.
            Forbidden: if the account may not change it.
            RequestInvalid: if the version has no training.
            InputRejected: if the input does not fit.
            QueueFull, DiskFull: see `Predictions.create`.
        """
        model = await self._destination(account, destination)
        wanted = replace(order, version=_trainer(order.version), destination=model.full_name)
        made = await self._predictions.create(account, wanted)
        return replace(made, version=order.version)

    def check(self, version: Version, given: Mapping[str, Any]) -> None:
        """Do nothing if an input fits a version's training.

        Raises:
            RequestInvalid: if the version has no training.
            InputRejected: naming everything that does not fit.
        """
        self._predictions.check(_trainer(version), given, is_training=True)

    async def _destination(self, account: Account, name: str) -> Model:
        owner, _, model_name = name.partition("/")
        try:
            return await self._access.writable(account, owner, model_name)
        except ModelNotFound as error:
            raise DestinationNotFound from error

    async def get(self, account: Account, training_id: str) -> Prediction:
        """Return a training, with what it has told so far.

        Raises:
            TrainingNotFound: if there is none that the account may see.
        """
        try:
            found = await self._predictions.get(account, training_id)
        except PredictionNotFound as error:
            raise TrainingNotFound(training_id) from error
        if not found.is_training:
            raise TrainingNotFound(training_id)
        return found

    async def page(self, account: Account, cursor: Cursor | None = None) -> Page[Prediction]:
        """Return a page of an account's trainings, the newest first."""
        return await self._predictions.page(account, TRAININGS, cursor)

    async def cancel(self, account: Account, training_id: str) -> Prediction:
        """Cancel a training, at any stage; one that has ended stays as it is.

        Raises:
            TrainingNotFound: if there is none that the account may see.
        """
        await self.get(account, training_id)
        return await self._predictions.cancel(account, training_id)


def _trainer(version: Version) -> Version:
    """Return a version as if to train was to predict.

    Raises:
        RequestInvalid: if it has no training.
    """
    schema = training_schema(version.openapi_schema)
    if schema is None:
        raise RequestInvalid(
            "The version has no training", hint="Name a `train` in its cog.yaml and push it"
        )
    return replace(version, openapi_schema=schema)


def training_schema(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a version's document as if to train was to predict; None if it has no training."""
    components = document.get("components")
    if not isinstance(components, Mapping):
        return None
    schemas = components.get("schemas")
    if not isinstance(schemas, Mapping) or "TrainingInput" not in schemas:
        return None
    trained = {
        **schemas,
        "Input": schemas["TrainingInput"],
        "Output": schemas.get("TrainingOutput", {}),
    }
    return {**document, "components": {**components, "schemas": trained}}
