"""Kills at any time, under load: what was answered 201 ends once, and stays as it ended."""

import json
import random
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.acceptance.kill_matrix import processes
from tests.acceptance.kill_matrix.model import until
from tests.acceptance.test_hub import pushed

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]

MODEL = """
import time

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        time.sleep(0.03)
        return "hello " + text
"""
CLIENTS = 6
EACH = 15
LIMIT_S = 90
ENDED = {"succeeded", "failed", "canceled"}
SEED = 20261126


class Client:
    """Asks plainly: no retries, and a broken connection is no answer."""

    def __init__(self, hub, version):
        self.hub = hub
        self.version = version
        self.created = {}
        self.seen_ended = {}
        self.changed = []

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.hub.address}/v1{path}",
            json.dumps(body).encode() if body else None,
            {"Authorization": f"Bearer {self.hub.token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except OSError:  # the hub is being killed or started
            return 0, None

    def create(self, text):
        status, made = self.ask(
            "POST", "/predictions", {"version": self.version, "input": {"text": text}}
        )
        if status == 201:
            self.created[made["id"]] = text
        return status == 201

    def look(self):
        """Ask after everything, and note whatever changed after its end."""
        for prediction_id in list(self.created):
            status, found = self.ask("GET", f"/predictions/{prediction_id}")
            if status != 200 or found["status"] not in ENDED:
                continue
            known = self.seen_ended.setdefault(prediction_id, found)
            if known != found:
                self.changed.append((known, found))

    def has_seen_ended(self, count):
        self.look()
        return len(self.seen_ended) >= count


def kill_a_server(hub):
    processes.kill_all(processes.servers(hub)[:1])


def kill_a_worker(hub):
    processes.kill_all(processes.workers(hub)[:1])


def kill_the_hub(hub):
    hub.kill()
    hub.restart()


def test_every_prediction_that_was_answered_ends_once(start_hub, example, tmp_path):
    hub = start_hub(tmp_path / "data")
    person = example("hello-world")
    (person.folder / "predict.py").write_text(MODEL)
    name = f"{hub.administrator}/short"
    version = pushed(person, hub, name, token=hub.token, home=tmp_path).partition(":")[2]
    client = Client(hub, version)

    def load(number):
        done = 0
        while done < EACH:
            done += client.create(f"{number}-{done}")
            time.sleep(0.02)

    kills = [kill_a_server, kill_a_worker, kill_the_hub] * 2
    random.Random(SEED).shuffle(kills)
    with ThreadPoolExecutor(CLIENTS) as threads:
        loads = [threads.submit(load, number) for number in range(CLIENTS)]
        for number, kill in enumerate(kills):
            wait_for(client, EACH * CLIENTS * number // (len(kills) + 1))
            kill(hub)
        for each in loads:
            each.result()
    kill_the_hub(hub)
    wait_for(client, EACH * CLIENTS)
    client.look()

    assert len(client.created) == CLIENTS * EACH
    assert client.changed == []
    outputs = {it["id"]: it["output"] for it in client.seen_ended.values() if it["output"]}
    assert all(outputs[one] == f"hello {client.created[one]}" for one in outputs)
    succeeded = [it for it in client.seen_ended.values() if it["status"] == "succeeded"]
    assert len(succeeded) >= CLIENTS * EACH // 2
    failed = {it["error"] for it in client.seen_ended.values() if it["status"] == "failed"}
    assert all("killed by signal 9" in error or "hub was stopped" in error for error in failed)


def wait_for(client, count):
    """Ask again and again, as who polls does."""
    until(lambda: client.has_seen_ended(count), f"there are no {count} ends", LIMIT_S)
