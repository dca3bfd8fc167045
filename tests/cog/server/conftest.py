"""Real servers for tests, and the smallest client that shows all of an answer."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

MODELS = Path(__file__).parent / "models"
PATIENCE_S = 30.0
TWEAKED = """
import dataclasses, json, sys
from cog.server import main

read, tweaks = main.read_settings, json.loads(sys.argv[1])
main.read_settings = lambda *given, **named: dataclasses.replace(read(*given, **named), **tweaks)
main.main(sys.argv[2:])
"""
"""A server with settings that are limits to users but would make tests wait."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class RunningServer:
    """A server process, what it says, and a client."""

    def __init__(self, process: subprocess.Popen, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._is_silent = False
        threading.Thread(target=self._read, daemon=True).start()

    @cached_property
    def port(self) -> int:
        started = self.wait_for_line("Starting coglet server on ")
        return int(json.loads(started)["fields"]["message"].rpartition(":")[2])

    def wait_for_line(self, text: str, *, count: int = 1) -> str:
        """Return the n-th line of the container's log that holds a text, waiting for it."""

        def found() -> list[str]:
            return [line for line in self._lines if text in line][count - 1 :]

        with self._said:
            if not self._said.wait_for(lambda: found() or self._is_silent, PATIENCE_S):
                raise AssertionError(f"{text!r} was never said: {self.log}")
            if not found():
                raise AssertionError(f"{text!r} was not said before the end: {self.log}")
            return found()[0]

    def wait_until_ready(self) -> "RunningServer":
        self.wait_for_line("Setup complete, now accepting requests")
        return self

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
        """Send a request and return the answer's head; the body comes when it is read."""
        connection = self.send(method, path, body, **headers)
        response = connection.getresponse()
        response.connection_of_test = connection
        return response

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPConnection:
        """Send a request and do not wait for the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if sent is not None:
            named = {"content-type": "application/json"} | named
        connection.request(method, path, sent, named)
        return connection

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        response = self.open(method, path, body, **headers)
        content = response.read()
        response.connection_of_test.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, content)

    def predict(self, **inputs: Any) -> dict[str, Any]:
        """Return the synchronous reply to an input."""
        answer = self.ask("POST", "/predictions", {"input": inputs})
        assert answer.status == 200, answer
        return answer.json

    def follow(self, path: str, inputs: dict[str, Any], **headers: str) -> "Stream":
        """Start or rejoin a prediction and read its events as they come."""
        headers = {"accept": "application/x-ndjson", **headers}
        return Stream(self.open("PUT", path, {"input": inputs}, **headers))

    def begin(self, prediction_id: str, said: str, **inputs: Any) -> "Stream":
        """Start a prediction, and return its events once it has printed something."""
        stream = self.follow(f"/predictions/{prediction_id}", inputs)
        stream.wait_for_log(said)
        return stream

    def events(self, method: str, path: str, body: Any, **headers: str) -> list[dict[str, Any]]:
        """Return all events of an ndjson stream."""
        answer = self.ask(method, path, body, accept="application/x-ndjson", **headers)
        return [json.loads(line) for line in answer.text.splitlines() if line]

    def health(self) -> dict[str, Any]:
        return self.ask("GET", "/health-check").json

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """End the server at once, and return its exit code."""
        for patience_s in (0.5, PATIENCE_S):  # two signals at once would count as one
            if self.process.poll() is None:
                self.signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(patience_s)
        raise AssertionError(f"The server does not end: {self.log}")

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._said:
                self._lines.append(line.decode())
                self._said.notify_all()
        with self._said:
            self._is_silent = True
            self._said.notify_all()


class Stream:
    """The events of one prediction, over a connection that stays open."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self.seen: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        """Return the next event, past signs of life; EOFError where the stream was cut off."""
        while (line := self._response.readline()).isspace():
            pass
        if not line:
            raise EOFError(self.seen)
        self.seen.append(json.loads(line))
        return self.seen[-1]

    def wait_for(self, name: str) -> dict[str, Any]:
        while (event := self.next())["event"] != name:
            pass
        return event["data"]

    def wait_for_log(self, text: str) -> str:
        while text not in self.logs:
            self.wait_for("log")
        return self.logs

    @property
    def logs(self) -> str:
        return "".join(it["data"]["data"] for it in self.seen if it["event"] == "log")

    def rest(self) -> list[dict[str, Any]]:
        """Return all events, once it has ended."""
        self.end()
        return self.seen

    def end(self) -> dict[str, Any]:
        """Return how the prediction ended."""
        completed = self.wait_for("completed")
        self.close()
        return completed

    def close(self) -> None:
        self._response.connection_of_test.close()
        self._response.close()


Start = Callable[..., RunningServer]


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start servers that end with the module's tests."""
    running: list[RunningServer] = []

    def start(
        reference: str,
        *flags: str,
        python: str = sys.executable,
        tweaks: dict[str, Any] | None = None,
        project: Path = MODELS,
        **environ: str,
    ) -> RunningServer:
        program = ["-c", TWEAKED, json.dumps(tweaks)] if tweaks else ["-m", "cog.server.http"]
        folder = tmp_path_factory.mktemp("model")
        process = subprocess.Popen(
            [python, *program, "--host", "127.0.0.1", *flags],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ  # noqa: TID251
            | {"PORT": "0", "COG_PREDICT_TYPE_STUB": reference, "MODEL_FOLDER": str(folder)}
            | {"PYTHONUNBUFFERED": ""}  # it would cut each printed line into two pieces
            | environ,
        )
        running.append(RunningServer(process, folder))
        return running[-1]

    yield start
    for server in running:
        server.stop()
        server.process.stderr.close()


@dataclass
class Call:
    """One request that the site got."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Site:
    """A web site that keeps what it gets, and answers as told."""

    url: str
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    """By path: each request takes the first answer; the last one stays."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, enough: Callable[[list[Call]], bool]) -> list[Call]:
        with self.changed:
            assert self.changed.wait_for(lambda: enough(self.calls), PATIENCE_S), self.calls
            return list(self.calls)

    def wait_for_end(self, path: str) -> list[Call]:
        """Return the calls of a path up to the one that says how it ended."""
        ends = {"succeeded", "failed", "canceled"}
        calls = self.wait_for(
            lambda calls: any(it.path == path and it.json["status"] in ends for it in calls)
        )
        return [it for it in calls if it.path == path]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            path = self.path.partition("?")[0]
            with self.server.site.changed:
                queue = self.server.site.answers.get(path, [(200, {}, b"")])
                status, headers, content = queue.pop(0) if len(queue) > 1 else queue[0]
                self.server.site.calls.append(self.call())
                self.server.site.changed.notify_all()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def call(self) -> Call:
            headers = {name.lower(): value for name, value in self.headers.items()}
            if headers.get("transfer-encoding") == "chunked":
                content = b""
                while size := int(self.rfile.readline(), 16):
                    content += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                content = self.rfile.read(int(headers.get("content-length", 0)))
            return Call(self.command, self.path, headers, content)

        def log_message(self, *_: Any) -> None:
            pass

        do_GET = do_POST = do_PUT = answer  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.site = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()
