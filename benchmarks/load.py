"""The load client: a process of its own that asks, checks every answer and counts.

`python -m benchmarks.load` reads one JSON order a line on standard input and answers each with one
line of JSON. An order with a `token` and a `version` is for a hub: it asks for predictions as the
official clients do, with `Prefer: wait`. One whose `asks` is `plain` is for another kind of server,
and one whose `model` is `embeddings` asks for vectors. The client speaks raw HTTP/1.1 over
kept-alive connections and parses no more than it must, so that on two cores the server and not the
client is what is measured.

One client asks on a blocking socket (the least that can be between clock and server); several are
protocols on one event loop. A refusal for want of a free slot (409) is counted, not as an error,
and asked again at once; only right answers count as successes and have a latency.
"""

import asyncio
import json
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

try:
    from uvloop import run
except ImportError:
    from asyncio import run

SPREAD = 1000
"""The numbers asked for repeat after this many: an answer is right for its own request only."""

VECTOR = 384
"""Numbers in the answer of the embedding model."""

REFUSED = frozenset({409, 429})
"""No slot is free; the hub's queue is full."""
ANSWERED = frozenset({200, 201})

LIMIT_S = 30.0
"""A server that is silent for so long has failed the run."""


@dataclass
class Counts:
    """What one round saw."""

    latencies_s: list[float] = field(default_factory=list)
    busy: int = 0
    errors: int = 0
    first_error: str | None = None
    elapsed_s: float = 0.0

    def add(self, status: int, body: bytes, number: int, latency_s: float) -> None:
        """Count one answer by its status and, where it claims success, by its content."""
        if status in REFUSED:
            self.busy += 1
        elif status in ANSWERED and is_right(body, number):
            self.latencies_s.append(round(latency_s, 7))
        else:
            self.errors += 1
            self.first_error = self.first_error or f"{status} {body[:300]!r}"


def is_right(body: bytes, number: int) -> bool:
    """Tell whether the body is a succeeded prediction of number + 1, or of a vector."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    if not isinstance(answer, dict) or answer.get("status") != "succeeded":
        return False
    output = answer.get("output")
    is_vector = isinstance(output, list) and len(output) == VECTOR
    return is_vector or output == number + 1


def text_inputs(number: int) -> dict[str, Any]:
    """Return one of a thousand sentences."""
    return {"text": f"This is sentence number {number}, and it is about as long as a question."}


def hub_request(number: int, token: str, version: str) -> bytes:
    """Return the request for one prediction of a hub."""
    body = {"version": version, "input": {"number": number}}
    headers = f"authorization: Bearer {token}\r\nprefer: wait\r\n"
    return _request("/v1/predictions", body, headers)


def _request(path: str, body: dict[str, Any], headers: str = "") -> bytes:
    content = json.dumps(body, separators=(",", ":"))
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"{headers}content-length: {len(content)}\r\n\r\n{content}"
    ).encode()


def split_answer(buffer: bytearray) -> tuple[int, bytes] | None:
    """Take one answer (status, body) off the front of the buffer; None if it is not all there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return int(head[9:12]), body


def ask_alone(port: int, requests: list[bytes], seconds: float) -> Counts:
    """Ask as one client, each request after the answer to the one before."""
    counts, number, buffer = Counts(), 0, bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = now = time.perf_counter()
        while now < started + seconds:
            connection.sendall(requests[number])
            while (answer := split_answer(buffer)) is None:
                received = connection.recv(65536)
                if not received:
                    raise ConnectionError("the server closed the connection")
                buffer += received
            sent, now = now, time.perf_counter()
            counts.add(*answer, number, now - sent)
            number = (number + 1) % SPREAD
            now = time.perf_counter()
    counts.elapsed_s = now - started
    return counts


class Client(asyncio.Protocol):
    """One of several clients on the loop, each with one request under way."""

    def __init__(self, counts: Counts, requests: list[bytes], number: int, ends_at: float) -> None:
        self.counts, self.requests, self.number = counts, requests, number
        self.ends_at = ends_at
        self.buffer = bytearray()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport: Any = transport
        self._ask()

    def _ask(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.requests[self.number])

    def data_received(self, data: bytes) -> None:
        """Check an answer that is whole, then ask again or end."""
        self.buffer += data
        answer = split_answer(self.buffer)
        if answer is None:
            return
        now = time.perf_counter()
        self.counts.add(*answer, self.number, now - self.sent)
        if now >= self.ends_at:
            self.transport.close()
            return
        self.number = (self.number + 1) % SPREAD
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a connection that the server closed too early is an error."""
        if time.perf_counter() < self.ends_at:
            self.counts.errors += 1
            self.counts.first_error = self.counts.first_error or f"connection lost: {exc}"
        if not self.ended.done():
            self.ended.set_result(None)


async def ask_together(port: int, requests: list[bytes], *, clients: int, seconds: float) -> Counts:
    """Ask as several clients at once."""
    loop, counts = asyncio.get_running_loop(), Counts()
    started = time.perf_counter()
    made = []
    for index in range(clients):
        client = Client(counts, requests, index * 31 % SPREAD, started + seconds)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
        made.append(client.ended)
    await asyncio.wait_for(asyncio.gather(*made), seconds + LIMIT_S)
    counts.elapsed_s = time.perf_counter() - started
    return counts


@cache
def _requests(token: str | None, version: str | None, asks: str, model: str) -> list[bytes]:
    if token is not None and version is not None:
        return [hub_request(number, token, version) for number in range(SPREAD)]
    inputs = [text_inputs(it) if model == "embeddings" else {"number": it} for it in range(SPREAD)]
    if asks == "plain":
        return [_request("/predict", it) for it in inputs]
    return [_request("/predictions", {"input": it}) for it in inputs]


def main() -> None:
    """Carry out the orders on standard input."""
    for line in sys.stdin:
        order = json.loads(line)
        port, clients, seconds = order["port"], order["clients"], order["seconds"]
        asks, model = order.get("asks", "cog"), order.get("model", "adder")
        requests = _requests(order.get("token"), order.get("version"), asks, model)
        if clients == 1:
            counts = ask_alone(port, requests, seconds)
        else:
            counts = run(ask_together(port, requests, clients=clients, seconds=seconds))
        print(json.dumps(asdict(counts)), flush=True)


if __name__ == "__main__":
    main()
