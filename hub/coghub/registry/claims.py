"""One request at a time goes on with an upload, and the newest wins.

An older one is that of a connection that broke, of which the hub may not hear for minutes: its
client has come back already.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from coghub.domain.distribution_errors import UploadInvalid


@dataclass(slots=True)
class _Claim:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    holder: anyio.CancelScope | None = None
    newest: int = 0
    """Counts the requests."""
    present: int = 0


class Claims:
    """Who works on which upload; for one event loop."""

    def __init__(self) -> None:
        self._claims = dict[str, _Claim]()

    @asynccontextmanager
    async def of(self, upload_id: str) -> AsyncGenerator[Callable[[], None]]:
        """Have an upload for oneself inside the block, which ends when a newer request comes.

        Yields:
            What is to be called when the newer request came to another hub.

        Raises:
            UploadInvalid: if there is a newer one.
        """
        claim = self._claims.setdefault(upload_id, _Claim())
        claim.newest += 1
        claim.present += 1
        number = claim.newest
        if claim.holder is not None:
            claim.holder.cancel()

        def lose() -> None:
            if number == claim.newest and claim.holder is not None:
                claim.newest += 1
                claim.holder.cancel()

        try:
            async with claim.lock:
                with anyio.CancelScope() as claim.holder:
                    if number == claim.newest:
                        yield lose
            if number != claim.newest:
                raise UploadInvalid("A newer request goes on with this upload")
        finally:
            claim.present -= 1
            if claim.present == 0:
                del self._claims[upload_id]
