"""What a worker needs of whoever swaps its model's code; see `swap`."""

from typing import Protocol

from cog.worker.messages import Swap
from cog.worker.startup import ReadyModel


class Renewing(Protocol):
    """Brings new source into the process."""

    def renew(self, message: Swap, model: ReadyModel) -> ReadyModel:
        """Swap, tell the server, and return the model as it is now."""
        ...
