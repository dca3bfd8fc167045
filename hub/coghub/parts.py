"""The parts of a hub as one value; `app` makes it, API, registry and pages use it."""

from dataclasses import dataclass, field

from coghub.accounts.accounts import Accounts
from coghub.accounts.deliveries import Deliveries
from coghub.accounts.passwords import Passwords
from coghub.accounts.sessions import Sessions
from coghub.accounts.webhook_secret import WebhookSecrets
from coghub.database.database import Database
from coghub.database.encryption import Box
from coghub.deployments.deployments import Deployments
from coghub.domain.clock import Clock
from coghub.domain.hardware import Hardware
from coghub.domain.live import Live
from coghub.domain.signals import Signals
from coghub.domain.statistics import Statistics
from coghub.files.files import Files
from coghub.files.prediction_files import PredictionFiles
from coghub.hub_settings import HubSettings
from coghub.models.access import Access
from coghub.models.catalog import Catalog
from coghub.models.collections import Collections
from coghub.models.deletion import Deletion
from coghub.models.models import Models
from coghub.models.sharing import Sharing
from coghub.models.variables import Variables
from coghub.peers.peers import Peers
from coghub.predictions.examples import Examples
from coghub.predictions.predictions import Predictions
from coghub.predictions.removal import Removal
from coghub.storage.storage import Storage
from coghub.trainings.trainings import Trainings


@dataclass(frozen=True, slots=True)
class Hub:
    """Everything that a hub is made of; used by the server and by the operator's commands."""

    settings: HubSettings
    database: Database
    storage: Storage
    box: Box
    signals: Signals
    now: Clock
    accounts: Accounts
    passwords: Passwords
    sessions: Sessions
    deliveries: Deliveries
    access: Access
    models: Models
    sharing: Sharing
    collections: Collections
    deletion: Deletion
    variables: Variables
    webhook_secrets: WebhookSecrets
    catalog: Catalog
    predictions: Predictions
    trainings: Trainings
    examples: Examples
    deployments: Deployments
    removal: Removal
    files: Files
    prediction_files: PredictionFiles
    own_hardware: tuple[Hardware, ...]
    """Of this machine."""
    peers: Peers
    live: Live
    statistics: Statistics = field(default_factory=Statistics)

    @property
    def hardware(self) -> tuple[Hardware, ...]:
        """What all hubs of the database offer together."""
        return self.peers.hardware
