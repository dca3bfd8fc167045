"""Asks an application what no HTTP library would let a client ask."""

from dataclasses import dataclass

import anyio

HOLD_S = 5.0
"""Who follows a prediction that goes on hears of no end; it is left after this."""


@dataclass
class RawAnswer:
    status: int
    headers: list
    body: bytes


async def ask(app, method, path, *, query=b"", headers=(), body=b""):
    """Return the answer to a request, however malformed; the client leaves after its body."""
    answer = RawAnswer(0, [], b"")
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], message.get("headers", [])
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    with anyio.move_on_after(HOLD_S):
        await app(scope, receive, send)
    return answer
