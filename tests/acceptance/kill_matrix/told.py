"""What is told of a prediction: webhooks as they are received, events as they are streamed."""

import http.client
import json
import select
import socket
import threading
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.acceptance.kill_matrix.model import LIMIT_S


@dataclass
class Call:
    """One call of a webhook."""

    webhook_id: str
    body: dict
    is_taken: bool = False
    """Whoever called was still there to hear the answer."""
    is_answered: bool = False


@dataclass
class Receiver:
    """Takes webhooks, and can hold its answers."""

    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._may_answer = threading.Event()
        self._may_answer.set()
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.take(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answer()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Note a call, and answer it once that is allowed."""
        content = request.rfile.read(int(request.headers["content-length"]))
        call = Call(request.headers["webhook-id"], json.loads(content))
        self.calls.append(call)
        self._may_answer.wait(LIMIT_S)
        # Who was killed has closed its end, and hears nothing. Others close it after the answer.
        call.is_taken = not _is_gone(request.connection)
        with suppress(OSError):
            request.send_response(200)
            request.send_header("content-length", "0")
            request.end_headers()
        call.is_answered = True

    def hold(self) -> None:
        """Answer nothing from now on."""
        self._may_answer.clear()

    def answer(self) -> None:
        """Answer what was held, and what comes."""
        self._may_answer.set()

    def of(self, prediction_id: str) -> list[Call]:
        """Return the calls about one prediction."""
        return [it for it in self.calls if it.body["id"] == prediction_id]


def _is_gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1, socket.MSG_PEEK)


class Follower:
    """Reads a stream of events to its end, and comes back behind the last one where it breaks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.events: list[tuple[str, str, str]] = []
        """Id, name, content."""
        self.breaks = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def wait(self) -> list[tuple[str, str, str]]:
        """Return all events, once the last one has come."""
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive(), f"the stream does not end: {self.events}"
        return self.events

    def _follow(self) -> None:
        pause = threading.Event()
        while not (self.events and self.events[-1][1] == "done"):
            # It was killed, or answers 503 for now.
            with suppress(OSError, http.client.HTTPException):
                self._read()
            self.breaks += 1
            pause.wait(0.05)

    def _read(self) -> None:
        headers = {"Last-Event-ID": self.events[-1][0]} if self.events else {}
        request = urllib.request.Request(self.url, headers=headers)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as lines:
            event: dict[str, list[str]] = {}
            for line in lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event.setdefault(name, []).append(value)
                elif "event" in event:
                    self._add(event)
                    event = {}
                else:
                    event = {}

    def _add(self, event: dict[str, list[str]]) -> None:
        content = "\n".join(event.get("data", []))
        self.events.append((event["id"][0], event["event"][0], content))


def replayed(url: str) -> list[tuple[str, str, str]]:
    """Return a stream as somebody has it who comes after the end."""
    return Follower(url).wait()
