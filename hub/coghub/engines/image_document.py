"""The document of an image whose labels hold none: asked of its server."""

import json
import selectors
import time
from typing import Any

from coghub.domain.errors import ModelUnreadable
from coghub.engines.container_process import ContainerProcess
from coghub.engines.http_exchange import Exchange

LIMIT_S = 60.0
"""The server of an image listens before its model is loaded."""
PAUSE_S = 0.1
OK = 200


def document_inside(server: ContainerProcess) -> dict[str, Any]:
    """Return what `/openapi.json` says.

    Raises:
        ModelUnreadable: if the server ends, or does not say it in time.
    """
    deadline = time.monotonic() + LIMIT_S
    port = server.port(deadline)
    while port is not None and time.monotonic() < deadline and server.exit_code is None:
        document = _asked(port)
        if document is not None:
            return document
        server.drain()
        time.sleep(PAUSE_S)
    server.wait_briefly()
    last = server.last_words.decode("utf-8", "replace").strip().splitlines()
    raise ModelUnreadable(
        "The image carries no schema, and its server does not tell it",
        hint=last[-1] if last else None,
    )


def _asked(port: int) -> dict[str, Any] | None:
    exchange = Exchange(("127.0.0.1", port), "GET", "/openapi.json")
    body = b""
    try:
        exchange.connect()
        with selectors.DefaultSelector() as selector:
            selector.register(exchange, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while not exchange.is_complete:
                selector.select(PAUSE_S)
                body += exchange.advance()
        document = json.loads(body) if exchange.status == OK else None
    except (OSError, ValueError):
        return None
    finally:
        exchange.close()
    return document if isinstance(document, dict) and "components" in document else None
