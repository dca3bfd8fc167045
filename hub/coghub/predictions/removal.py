"""Removes what predictions were given and made; what is left says how they ended."""

from collections.abc import Sequence

from sqlalchemy import Connection

from coghub.database import prediction_files as file_rows
from coghub.database import retention as rows
from coghub.database.audit import Note
from coghub.database.database import Database
from coghub.domain.prediction import Prediction
from coghub.files.files import Files
from coghub.files.prediction_files import PredictionFiles


class Removal:
    """Removes the data of predictions."""

    def __init__(self, database: Database, prediction_files: PredictionFiles, files: Files) -> None:
        self._database = database
        self._prediction_files = prediction_files
        self._files = files

    async def remove(self, ids: Sequence[str], note: Note | None = None) -> None:
        """Remove input, output, logs and files of predictions that have ended.

        Files go before rows: if it is interrupted, the rows still lead to the rest.
        """
        keys = await self._database.read(lambda c: file_rows.keys_of(c, ids))
        await self._prediction_files.remove(keys)

        def remove(connection: Connection) -> None:
            rows.remove(connection, ids)
            if note is not None:
                note(connection)

        await self._database.write(remove)

    async def remove_one(self, prediction: Prediction, uploads: Sequence[str], note: Note) -> None:
        """Remove all of one prediction, and what was uploaded for it alone.

        Args:
            prediction: which; it has ended.
            uploads: the ids of uploaded files that its input names.
            note: tells of it.
        """
        await self.remove([prediction.id], note)
        account_id = prediction.account_id
        left = await self._database.read(lambda c: rows.unused_uploads(c, account_id, uploads))
        await self._files.release(account_id, left)
