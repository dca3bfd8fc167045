"""Several hubs on one PostgreSQL, each a process: one is killed, stands still, or is restarted."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from tests.acceptance.hub_process import HubProcess
from tests.acceptance.test_hub import pushed

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]

MODEL = """
import time
from typing import Iterator

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, text: str, log: str, tells: bool = False, lasts: str = "") -> Iterator[str]:
        with open(log, "a") as file:
            file.write(text + "\\n")
        if tells:
            yield "first"
        end = time.monotonic() + 60
        while lasts and time.monotonic() < end:
            try:
                open(lasts).close()
                break
            except FileNotFoundError:
                time.sleep(0.02)
        yield "hello " + text
"""
LIMIT_S = 90
ENDED = {"succeeded", "failed", "canceled"}
PROXY = """\
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout check 5s
    timeout client 60s
    timeout server 60s
frontend hub
    bind 127.0.0.1:{port}
    default_backend hubs
backend hubs
    option httpchk GET /readyz
    server one {one} check inter 300 fall 1 rise 1
    server two {two} check inter 300 fall 1 rise 1
"""


class Hubs:
    """Two hubs, and a model that both run."""

    def __init__(self, one, two, version, folder):
        self.one, self.two, self.version, self.folder = one, two, version, folder
        self.log = folder / "ran"

    def ask(self, address, method, path, body=None):
        request = urllib.request.Request(
            f"{address}/v1{path}",
            json.dumps(body).encode() if body else None,
            {"Authorization": f"Bearer {self.one.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def create(self, hub, text, **given):
        wanted = {"text": text, "log": str(self.log), **given}
        body = {"version": self.version, "input": wanted}
        return self.ask(hub if isinstance(hub, str) else hub.address, "POST", "/predictions", body)

    def get(self, hub, made):
        return self.ask(
            hub if isinstance(hub, str) else hub.address, "GET", f"/predictions/{made['id']}"
        )

    def end_of(self, hub, made):
        return until(lambda: ended(self.get(hub, made)))

    def until_it_runs(self, hub, text):
        until(lambda: self.log.is_file() and text in self.log.read_text().split())

    def ran(self):
        return Counter(self.log.read_text().split())


def ended(found):
    return found if found["status"] in ENDED else None


def until(found):
    """Ask again and again, as who polls does, and return what there is."""
    pause, end = threading.Event(), time.monotonic() + LIMIT_S
    while not (it := found()):
        assert time.monotonic() < end, "it did not come about"
        pause.wait(0.05)
    return it


@pytest.fixture
def hubs(postgres_server, environ, example, tmp_path):
    (tmp_path / "objects").mkdir()
    started = []
    with postgres_server.database() as url:
        own = {"COGHUB_DATABASE": url, "COGHUB_STORAGE": str(tmp_path / "objects")}

        def start(name):
            hub = HubProcess(tmp_path / name, {**environ, **own}, "--log-level", "info")
            started.append(hub)
            return hub

        one = start("one")
        (tmp_path / "two").mkdir()
        shutil.copy(tmp_path / "one" / "key", tmp_path / "two" / "key")
        two = start("two")
        person = example("hello-world")
        (person.folder / "predict.py").write_text(MODEL)
        name = f"{one.administrator}/twice"
        version = pushed(person, one, name, token=one.token, home=tmp_path).partition(":")[2]
        yield Hubs(one, two, version, tmp_path)
        for hub in started:
            if hub.process.poll() is None:
                hub.process.send_signal(signal.SIGCONT)
                hub.kill()


def test_what_ran_on_a_hub_that_was_killed_is_taken_up_by_the_other(hubs):
    go = hubs.folder / "go"
    assert hubs.end_of(hubs.one, hubs.create(hubs.one, "warm"))["status"] == "succeeded"
    told = hubs.create(hubs.one, "told", tells=True, lasts=str(go))
    until(lambda: hubs.get(hubs.two, told)["output"])
    waiting = hubs.create(hubs.one, "waiting")

    hubs.one.kill()
    go.touch()

    failed = hubs.end_of(hubs.two, told)
    assert (failed["status"], failed["output"]) == ("failed", ["first"])
    assert failed["error"].startswith("The hub was stopped while the prediction ran")
    assert hubs.end_of(hubs.two, waiting)["output"] == ["hello waiting"]
    again = hubs.create(hubs.two, "again")
    assert hubs.end_of(hubs.two, again)["status"] == "succeeded"
    assert hubs.ran() == {"warm": 1, "told": 1, "waiting": 1, "again": 1}


def test_a_hub_that_stood_still_for_too_long_changes_nothing_any_more(hubs):
    assert hubs.end_of(hubs.one, hubs.create(hubs.one, "warm"))["status"] == "succeeded"
    go = hubs.folder / "go"
    made = hubs.create(hubs.one, "slow", lasts=str(go))
    hubs.until_it_runs(hubs.one, "slow")

    os.kill(hubs.one.process.pid, signal.SIGSTOP)
    until(lambda: hubs.ran()["slow"] == 2)  # the other hub runs it anew
    go.touch()
    found = hubs.end_of(hubs.two, made)
    os.kill(hubs.one.process.pid, signal.SIGCONT)

    hubs.one.wait_for_log("hub was taken for dead")
    later = hubs.end_of(hubs.one, hubs.create(hubs.one, "later"))
    assert later["status"] == "succeeded"
    assert (found["status"], found["output"]) == ("succeeded", ["hello slow"])
    assert hubs.get(hubs.two, made) == found


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
def test_hubs_are_restarted_one_after_the_other_without_a_failed_request(hubs):
    stop, made, failures = threading.Event(), [], []

    def load(number):
        count = 0
        while not stop.is_set():
            count += 1
            try:
                it = hubs.create(address, f"{number}-{count}")
                made.append(it)
                assert hubs.get(address, it)["id"] == it["id"]
            except Exception as error:  # noqa: BLE001 - any is a failed request
                failures.append(error)
            time.sleep(0.05)

    with proxy(hubs) as address, ThreadPoolExecutor(4) as threads:
        assert hubs.end_of(address, hubs.create(address, "warm"))["status"] == "succeeded"
        loads = [threads.submit(load, number) for number in range(4)]
        for hub in (hubs.one, hubs.two):
            assert hub.stop() == 0
            hub.restart()
            until(lambda hub=hub: is_ready(hub.address))
            time.sleep(1)  # the proxy asks now and then
        stop.set()
        for it in loads:
            it.result()
        found = [hubs.end_of(address, it) for it in made]

    assert failures == []
    assert Counter(it["status"] for it in found) == {"succeeded": len(made)}
    assert set(hubs.ran().values()) == {1}
    assert len(hubs.ran()) == len(made) + 1


@contextmanager
def proxy(hubs):
    """Spread requests over the hubs that say that they are ready."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = hubs.folder / "haproxy.cfg"
    hosts = {
        name: it.address.partition("//")[2] for name, it in vars(hubs).items() if name in NAMES
    }
    file.write_text(PROXY.format(port=port, **hosts))
    process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: is_ready(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


NAMES = {"one", "two"}


def is_ready(address):
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
