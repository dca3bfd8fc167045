"""How much of a hub's hardware may be held by instances that deployments keep."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from coghub.database import deployments as rows
from coghub.domain.account import Account
from coghub.domain.deployment import Configuration
from coghub.domain.errors import InputRejected, InvalidField
from coghub.domain.hardware import Hardware


class KeptRoom:
    """Lets instances be kept while others find a place: all of them, administrators alone take."""

    def __init__(self, hardware: Callable[[], Iterable[Hardware]]) -> None:
        self._hardware = hardware

    def require(
        self,
        connection: Connection,
        account: Account,
        deployment_id: int,
        configuration: Configuration,
    ) -> None:
        """Do nothing if the hub has the hardware, and room for what is to be kept on it.

        Raises:
            InputRejected: naming the field that cannot be.
        """
        sku, kept = configuration.hardware, configuration.min_instances
        offered = {it.sku: it for it in self._hardware()}
        if sku not in offered:
            text = f"hardware must be one of the following: {', '.join(offered)}"
            raise InputRejected([InvalidField("enum", "hardware", text)])
        if not kept:
            return
        others = rows.kept_instances(connection, sku, but=deployment_id)
        places = offered[sku].capacity - others - (0 if account.is_admin else 1)
        if kept > places:
            text = f"This hub has room to keep {max(places, 0)} on `{sku}`"
            raise InputRejected([InvalidField("number_lte", "min_instances", text)])
