"""How hubs that share the rows hear of each other without asking the rows again and again.

What is told may get lost, as when a connection breaks: then whoever hears is told of the gap, and
reads the rows.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from coghub.domain.peers import News


class Bus(Protocol):
    """Carries news between the hubs of a database."""

    @property
    def is_shared(self) -> bool:
        """Whether there can be other hubs."""
        ...

    async def hear(
        self, on_news: Callable[[Sequence[News]], None], on_gap: Callable[[], None]
    ) -> None:
        """Hand over what other hubs tell, until canceled; it connects again by itself.

        Args:
            on_news: takes what one of them told.
            on_gap: is called at the start, and when something may have been missed.
        """
        ...

    async def tell(self, news: Sequence[News]) -> None:
        """Tell other hubs something.

        Raises:
            DatabaseUnreachable: if they cannot be told.
        """
        ...

    async def keep(self, hub_id: int, *, leads: bool) -> bool:
        """Keep what a hub has of the database as long as it lives; to be called again and again.

        Args:
            hub_id: which hub it is.
            leads: it wants to do what one hub does for all.

        Returns:
            Whether it does.

        Raises:
            DatabaseUnreachable: if that cannot be told.
        """
        ...

    async def cut_off(self, hub_id: int) -> None:
        """Take from a hub that stands still what it has as long as it lives.

        Raises:
            DatabaseUnreachable: if that cannot be done now.
        """
        ...

    async def close(self) -> None:
        """Let go of all of it."""
        ...


class NoBus(Bus):
    """Of a database that has one hub."""

    is_shared = False

    async def hear(
        self, on_news: Callable[[Sequence[News]], None], on_gap: Callable[[], None]
    ) -> None:
        """See `Bus`: there is nothing to hear."""
        del on_news, on_gap
        await asyncio.Event().wait()

    async def tell(self, news: Sequence[News]) -> None:
        """See `Bus`: there is nobody to tell."""

    async def keep(self, hub_id: int, *, leads: bool) -> bool:
        """See `Bus`."""
        del hub_id
        return leads

    async def cut_off(self, hub_id: int) -> None:
        """See `Bus`: there is no other hub."""

    async def close(self) -> None:
        """See `Bus`."""
