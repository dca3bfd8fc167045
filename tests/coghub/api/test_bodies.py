"""Bodies are bounded, alone and together, and a refusal is heard by clients that send first."""

import pytest
from starlette.requests import Request

from coghub.api.bodies import SMALL_BYTES, Room, read_bytes
from coghub.domain.errors import QueueFull, TooLarge


def arriving(pieces, **headers):
    """Return a request whose body arrives in pieces, and what is left of these."""
    left = list(pieces)

    async def receive():
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    head = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": head}, receive), left


async def test_a_body_that_is_too_long_is_read_to_its_end_and_refused():
    request, left = arriving([b"x" * 10] * 20)

    with pytest.raises(TooLarge):
        await read_bytes(request, limit_bytes=15)

    assert left == []


async def test_bodies_share_the_room_and_give_it_back():
    room = Room(3 * SMALL_BYTES)
    with room.share() as first:
        await read_bytes(arriving([b"x" * SMALL_BYTES] * 2)[0], limit_bytes=10**9, share=first)
        request, left = arriving([b"x" * SMALL_BYTES] * 4)
        with room.share() as second, pytest.raises(QueueFull):
            await read_bytes(request, limit_bytes=10**9, share=second)
        with room.share() as third:
            small = await read_bytes(arriving([b"x" * SMALL_BYTES])[0], share=third)

    assert left == []
    assert len(small) == SMALL_BYTES
    with room.share() as again:
        again.grow(3 * SMALL_BYTES)


async def test_who_says_the_length_has_room_for_all_of_it_or_is_refused_at_once():
    room = Room(3 * SMALL_BYTES)
    length = str(2 * SMALL_BYTES)
    body = [b"x" * SMALL_BYTES] * 2
    with room.share() as first, room.share() as second:
        first.grow(2 * SMALL_BYTES)
        with pytest.raises(QueueFull):
            await read_bytes(arriving(body, content_length=length)[0], share=second)
        first.release()

        read = await read_bytes(arriving(body, content_length=length)[0], share=second)

    assert len(read) == 2 * SMALL_BYTES
