"""What clients of a model's own server do: wait, be called, follow, cancel, send files inline."""

import base64
import json
import random
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from benchmarks.environments import FOLDER, SDK, project
from benchmarks.servers import Kind, Server, start
from benchmarks.soak.ledger import ENDED, Entry, Ledger

LIMIT_S = 60.0
PAUSE_S = 0.05
"""After a refusal: all slots are in use, or the worker starts anew."""
LARGE_BYTES = 1024**2
ACCEPTED = {requests.codes.ok, requests.codes.accepted}


@contextmanager
def running_server() -> Iterator[Server]:
    """Run the server of the model `soak`."""
    kind = Kind("soak", Path(sys.executable), {"PYTHONPATH": str(SDK)})
    server = start(kind, project("soak"), FOLDER / "soak.log")
    try:
        yield server
    finally:
        server.stop()


@dataclass
class ServerClient:
    """One of several, in a thread of its own."""

    port: int
    webhook: str
    ledger: Ledger
    dice: random.Random
    session: requests.Session = field(default_factory=requests.Session)

    def run(self, until: float) -> None:
        """Do one thing after the other."""
        while time.monotonic() < until:
            act = self.dice.choices(ACTS, WEIGHTS)[0]
            try:
                act(self, f"{self.dice.getrandbits(64):016x}")
            except requests.RequestException as error:
                self.ledger.fault(f"{act.__name__}: {error!r}")

    def wait(self, text: str) -> None:
        """Have the answer held until the prediction has ended."""
        self._finished(text, Entry("sync", f"hello {text}"), {})

    def be_called(self, text: str) -> None:
        """Be told of the end by a webhook, which is all there is then."""
        entry = Entry("webhook", None, most_calls=1)
        if self._ask(text, entry, {"webhook": self.webhook}, Prefer="respond-async"):
            deadline = time.monotonic() + LIMIT_S
            while not entry.calls and time.monotonic() < deadline:
                time.sleep(PAUSE_S)

    def cancel(self, text: str) -> None:
        """Change one's mind while it runs."""
        entry = Entry("cancel", None, most_calls=1, may_be_canceled=True)
        more = {"webhook": self.webhook, "input": {"text": text, "wait_s": 0.5}}
        if self._ask(text, entry, more, Prefer="respond-async"):
            time.sleep(self.dice.random() * 0.7)
            self.session.post(f"{self._url(text)}/cancel", timeout=LIMIT_S)

    def follow(self, text: str) -> None:
        """Read events as they come."""
        answer = self._put(text, {}, Accept="application/x-ndjson")
        if self._is_accepted(answer):
            self.ledger.accept(text, Entry("stream", f"hello {text}"))
            events = [json.loads(line) for line in answer.text.splitlines() if line]
            if events[-1]["event"] == "completed":
                said = {it["event"]: it["data"] for it in events}
                output = said.get("output", {}).get("chunk")
                self.ledger.end(text, {"output": output, **said["completed"]})

    def send_file(self, text: str) -> None:
        """Have a file inside the input come back inside the output."""
        url = f"data:;base64,{base64.b64encode(self.dice.randbytes(LARGE_BYTES)).decode()}"
        back = f"data:application/octet-stream;base64,{url.partition(',')[2]}"
        self._finished(text, Entry("file", back), {"input": {"text": text, "file": url}})

    def look_again(self, ids: Iterable[str]) -> None:
        """A server knows no prediction that has ended; its webhook has told."""
        for prediction_id in ids:
            calls = self.ledger.entries[prediction_id].calls
            if calls:
                self.ledger.end(prediction_id, {"status": calls[-1], "error": "killed by signal"})

    def _finished(self, text: str, entry: Entry, more: dict[str, Any]) -> None:
        answer = self._ask(text, entry, more)
        if answer and answer["status"] in ENDED:
            self.ledger.end(text, answer)

    def _ask(
        self, text: str, entry: Entry, more: dict[str, Any], **headers: str
    ) -> dict[str, Any] | None:
        answer = self._put(text, more, **headers)
        if not self._is_accepted(answer):
            return None
        self.ledger.accept(text, entry)
        found: dict[str, Any] = answer.json()
        return found

    def _put(self, text: str, more: dict[str, Any], **headers: str) -> requests.Response:
        body = {"input": {"text": text, "wait_s": self.dice.random() / 50}, **more}
        return self.session.put(self._url(text), json=body, headers=headers, timeout=LIMIT_S)

    def _is_accepted(self, answer: requests.Response) -> bool:
        if answer.status_code in ACCEPTED:
            return True
        self.ledger.refuse(answer.status_code, answer.content)
        time.sleep(PAUSE_S)
        return False

    def _url(self, prediction_id: str) -> str:
        return f"http://127.0.0.1:{self.port}/predictions/{prediction_id}"


ACTS = (
    ServerClient.wait,
    ServerClient.be_called,
    ServerClient.cancel,
    ServerClient.follow,
    ServerClient.send_file,
)
WEIGHTS = (10, 4, 2, 4, 1)
