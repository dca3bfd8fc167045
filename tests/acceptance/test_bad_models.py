"""Models that misbehave fail with one clear error, and their server lives on."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.acceptance

MODEL = """
import os
import signal
import sys
import time
from typing import Any

from cog import BasePredictor, CancelationException, Path


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Predictor(BasePredictor):
    def predict(self, how: str) -> Any:
        return getattr(self, how)()

    def fine(self):
        return "fine"

    def print_much(self):
        line = "x" * 99_999
        for _ in range(1_000):
            print(line)
        return "printed"

    def fork_and_return(self):
        return "parent" if os.fork() else "child"

    def fork_and_linger(self):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        return "parent"

    def fork_and_raise(self):
        if os.fork() == 0:
            raise RuntimeError("in the child")
        return "parent"

    def leave(self):
        os._exit(3)

    def exit(self):
        sys.exit(3)

    def be_killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def close_stdout(self):
        print("before")
        sys.stdout.close()
        return "closed"

    def close_descriptors(self):
        os.close(1)
        os.close(2)
        return "closed"

    def close_everything(self):
        os.closerange(0, 256)
        return "closed"

    def return_object(self):
        return object()

    def return_bytes(self):
        return b"bytes"

    def return_nan(self):
        return {"loss": float("nan")}

    def return_cycle(self):
        cycle = []
        cycle.append(cycle)
        return cycle

    def return_missing_file(self):
        return Path("nowhere.png")

    def return_a_folder(self):
        return Path("/")

    def recurse(self):
        return self.recurse()

    def raise_wordless(self):
        raise Wordless

    def raise_cancelation(self):
        raise CancelationException("not asked for")

    def swallow_cancelation(self):
        print("stuck", flush=True)
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
"""


@pytest.fixture(scope="module")
def server(example, ending):
    """A model that does harm on request."""
    cog = example("hello-world")
    (cog.folder / "predict.py").write_text(MODEL)
    return ending(cog.serve(COG_CANCEL_GRACE_S="1"))


@pytest.fixture(autouse=True)
def lives_on(server):
    """After each test the server still answers, as it did before."""
    yield
    server.wait_until_ready()
    assert server.predict(how="fine")["output"] == "fine"


def test_of_a_hundred_megabytes_printed_the_ends_are_kept(server):
    prediction = server.predict(how="print_much")

    assert prediction["output"] == "printed"
    assert len(prediction["logs"]) < 17 * 1024**2
    assert prediction["logs"].startswith("xxx")


@pytest.mark.parametrize("how", ["fork_and_return", "fork_and_linger", "fork_and_raise"])
def test_only_the_parent_of_a_fork_answers(server, how):
    prediction = server.predict(how=how)

    assert prediction["output"] == "parent"


@pytest.mark.parametrize(
    ("how", "reason"), [("leave", "status 3|code 3"), ("be_killed", "signal 9.*out of memory")]
)
def test_a_dead_worker_is_explained_and_replaced(server, how, reason):
    prediction = server.predict(how=how)

    assert prediction["status"] == "failed"
    assert re.search(reason, prediction["error"]), prediction["error"]


@pytest.mark.parametrize("how", ["close_stdout", "close_descriptors"])
def test_a_model_may_close_its_own_output(server, how):
    assert server.predict(how=how)["output"] == "closed"


def test_a_model_that_closes_every_descriptor_fails_alone(server):
    prediction = server.predict(how="close_everything")

    assert prediction["status"] == "failed"
    assert prediction["error"]


def test_a_model_that_cancels_itself_has_not_failed(server):
    assert server.predict(how="raise_cancelation")["status"] == "canceled"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("exit", "SystemExit: 3"),
        ("return_object", "object is not JSON serializable"),
        ("return_bytes", "bytes is not JSON serializable"),
        ("return_nan", "nan"),
        ("return_cycle", ""),
        ("return_missing_file", "nowhere.png"),
        ("return_a_folder", "/"),
        ("recurse", "RecursionError"),
        ("raise_wordless", "Wordless"),
    ],
)
def test_what_cannot_be_an_output_fails_the_prediction(server, how, error):
    prediction = server.predict(how=how)

    assert prediction["status"] == "failed", prediction
    assert prediction["error"].strip()
    assert error in prediction["error"]


def test_a_model_that_swallows_cancelation_is_ended_by_force(server):
    body = {"input": {"how": "swallow_cancelation"}}

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.request, "PUT", "/predictions/stuck", body)
        server.wait_for_log("stuck")
        assert server.request("POST", "/predictions/stuck/cancel").status == 200

    assert waiting.result().json["status"] == "canceled"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"[]", 422),
        (b'{"input": []}', 422),
        (b'{"input": {"how": 3}}', 422),
        (b'{"input": {}}', 422),
        (b'{"input": {"how": null}}', 422),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 422),
        (b'{"input": {"how": ' + b"[" * 100_000, 400),
        (b'{"id": 7}', 422),
        (b'{"input": {"how": "fine"}, "webhook_events_filter": ["all"]}', 422),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(server, body, status):
    assert server.request("POST", "/predictions", body).status == status


def test_unknown_paths_ids_and_methods_are_refused(server):
    assert server.request("POST", "/predictions/unknown/cancel").status == 404
    assert server.request("GET", "/nothing").status == 404
    assert server.request("DELETE", "/predictions").status == 405


def test_ctrl_c_ends_everything_that_predict_started(example):
    cog = example("hello-world")
    (cog.folder / "predict.py").write_text(
        MODEL.replace('print("stuck"', 'print("stuck as", os.getpid()')
    )
    process = cog.start("predict", "-i", "how=swallow_cancelation")
    line = next(line for line in process.stderr if "stuck as" in line)
    worker = int(line.split()[-1])

    process.send_signal(signal.SIGINT)

    process.communicate(timeout=30)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
