"""What clients of a hub do all day: wait, ask again, follow, cancel, send files, be called."""

import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import requests
from benchmarks.soak.ledger import ENDED, Entry, Ledger

LIMIT_S = 120.0
"""A prediction that has not ended after so long is asked for no more; it is counted as lost."""
POLL_S = 0.2
LARGE_BYTES = 8 * 1024**2
DATA = re.compile(rb"event: output\nid: [^\n]*\n((?:data: [^\n]*\n)*)\n")


@dataclass
class HubClient:
    """One of several, in a thread of its own."""

    address: str
    token: str
    versions: dict[str, str]
    """The models `soak` and `soak-stream`, by name."""
    webhook: str
    ledger: Ledger
    dice: random.Random
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.token}"
        self.session.trust_env = False

    def run(self, until: float) -> None:
        """Do one thing after the other."""
        number = 0
        while time.monotonic() < until:
            number += 1
            act = self.dice.choices(ACTS, WEIGHTS)[0]
            try:
                act(self, f"{self.dice.getrandbits(64):016x}-{number}")
            except requests.RequestException as error:
                self.ledger.fault(f"{act.__name__}: {error!r}")

    def wait(self, text: str) -> None:
        """Have the answer held until the prediction has ended."""
        self._made(text, Entry("sync", f"hello {text}"), Prefer="wait=5")

    def ask_again(self, text: str) -> None:
        """Make one and look until it has ended."""
        self._made(text, Entry("async", f"hello {text}"))

    def be_called(self, text: str) -> None:
        """Be told by a webhook of the end alone, or of everything."""
        events = self.dice.choice([["completed"], None])
        body = {"webhook": self.webhook, "webhook_events_filter": events}
        entry = Entry("webhook", f"hello {text}", most_calls=1 if events else 2)
        self._made(text, entry, body)

    def cancel(self, text: str) -> None:
        """Change one's mind while it runs, or before."""
        entry = Entry("cancel", f"hello {text}", may_be_canceled=True)
        made = self._create("soak", entry, {"input": {"text": text, "wait_s": 1}})
        if made:
            time.sleep(self.dice.random() * 1.5)
            answer = self.session.post(made["urls"]["cancel"], timeout=LIMIT_S)
            if answer.status_code != requests.codes.ok:
                self.ledger.fault(f"cancel answered {answer.status_code}: {answer.text[:200]}")
            self._see_ended(made)

    def follow(self, text: str) -> None:
        """Read what it says as it says it."""
        expected = [f"{text} {number};" for number in range(20)]
        body = {"input": {"text": text, "count": 20}, "stream": True}
        made = self._create("soak-stream", Entry("stream", expected), body)
        if made:
            with requests.get(made["urls"]["stream"], stream=True, timeout=LIMIT_S) as answer:
                read = answer.content
            told = [line[6:] for it in DATA.findall(read) for line in it.decode().splitlines()]
            ended = self._see_ended(made)
            if ended and ended["status"] == "succeeded" and told != expected:
                self.ledger.fault(f"the stream of {made['id']} told {str(told)[:200]}")

    def send_file(self, text: str) -> None:
        """Upload a large file, have it come back, and compare."""
        content = self.dice.randbytes(LARGE_BYTES)
        answer = self.session.post(
            f"{self.address}/v1/files", files={"content": (text, content)}, timeout=LIMIT_S
        )
        if answer.status_code != requests.codes.created:
            self.ledger.refuse(answer.status_code, answer.content)
            return
        url = answer.json()["urls"]["get"]
        made = self._create("soak", Entry("file", None), {"input": {"text": text, "file": url}})
        ended = self._see_ended(made) if made else None
        if ended and ended["status"] == "succeeded":
            back = self.session.get(ended["output"], timeout=LIMIT_S)
            if back.content != content:
                self.ledger.fault(f"the file of {ended['id']} came back otherwise: {back!r}")

    def look_again(self, ids: Iterable[str]) -> None:
        """Ask after predictions: for those whose end was not seen, and whether ends stay."""
        for prediction_id in ids:
            answer = self.session.get(self._url(prediction_id), timeout=LIMIT_S)
            found = answer.json()
            if answer.status_code == requests.codes.ok and found["status"] in ENDED:
                self.ledger.end(prediction_id, found)

    def _made(
        self, text: str, entry: Entry, more: dict[str, Any] | None = None, **headers: str
    ) -> None:
        body = {"input": {"text": text, "wait_s": self.dice.random() / 20}, **(more or {})}
        made = self._create("soak", entry, body, **headers)
        if made:
            self._see_ended(made)

    def _create(
        self, model: str, entry: Entry, body: dict[str, Any], **headers: str
    ) -> dict[str, Any] | None:
        """Return what was made; None where the hub says to come again."""
        answer = self.session.post(
            f"{self.address}/v1/predictions",
            json={"version": self.versions[model], **body},
            headers=headers,
            timeout=LIMIT_S,
        )
        if answer.status_code != requests.codes.created:
            self.ledger.refuse(answer.status_code, answer.content)
            return None
        made: dict[str, Any] = answer.json()
        self.ledger.accept(made["id"], entry)
        return made

    def _see_ended(self, made: dict[str, Any]) -> dict[str, Any] | None:
        """Look until it has ended, and return it; None where the time is up."""
        deadline = time.monotonic() + LIMIT_S
        while made["status"] not in ENDED:
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_S * self.dice.random())
            made = self.session.get(self._url(made["id"]), timeout=LIMIT_S).json()
        self.ledger.end(made["id"], made)
        return made

    def _url(self, prediction_id: str) -> str:
        return f"{self.address}/v1/predictions/{prediction_id}"


ACTS = (
    HubClient.wait,
    HubClient.ask_again,
    HubClient.be_called,
    HubClient.cancel,
    HubClient.follow,
    HubClient.send_file,
)
WEIGHTS = (10, 5, 5, 2, 3, 1)
