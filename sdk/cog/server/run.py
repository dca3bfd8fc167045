"""What the server needs of a prediction only while it is under way."""

import asyncio
import shutil
from collections import deque
from collections.abc import Sequence

from cog.server.file_places import Place
from cog.server.grace import Grace
from cog.server.prediction import Prediction
from cog.server.uploads import discard
from cog.server.wire import WireCompleted, WireOutput


class Run:
    """A prediction, its files, and what follows when it ends."""

    __slots__ = (
        "failure",
        "files",
        "folder",
        "grace",
        "prediction",
        "size_bytes",
        "task",
        "unsettled",
    )

    def __init__(self, prediction: Prediction, size_bytes: int) -> None:
        self.prediction = prediction
        self.size_bytes = size_bytes
        """Of the request's body."""
        self.files: Sequence[Place] = ()
        """Where its input has files to fetch."""
        self.folder: str | None = None
        """Holds its input files."""
        self.task: asyncio.Task[None] | None = None
        """Moves its files, in or out."""
        self.unsettled: deque[WireOutput | WireCompleted] = deque()
        """What the worker said, from the first output on whose files are not delivered."""
        self.grace: Grace | None = None
        """Ends the worker if it does not heed a cancel."""
        self.failure: WireCompleted | None = None
        """How it will end, whatever the worker says."""

    def stop_grace(self) -> None:
        if self.grace is not None:
            self.grace.end()

    def drop_unsettled(self) -> None:
        """Forget what waits for its files to be delivered, and remove those."""
        for message in self.unsettled:
            if isinstance(message, WireOutput):
                discard(message)
        self.unsettled.clear()

    def close(self) -> None:
        self.stop_grace()
        self.drop_unsettled()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
