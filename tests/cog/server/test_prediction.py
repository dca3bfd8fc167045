"""The state of one prediction."""

import weakref

import msgspec
import pytest
from msgspec import Raw

from cog.server.prediction import Prediction, Status, record
from cog.worker.messages import Completed, Metric


@pytest.fixture
def prediction() -> Prediction:
    return Prediction("p1", {}, {})


def ended(status: str, **fields) -> Completed:
    return Completed(1, status, 0.5, **fields)


def test_items_make_a_list_and_a_result_stands_alone(prediction):
    prediction.add_output(Raw(b'"a"'), is_item=True)
    prediction.add_output(Raw(b'"b"'), is_item=True)
    prediction.end(ended("succeeded"))

    assert msgspec.json.decode(prediction.reply())["output"] == ["a", "b"]


@pytest.mark.parametrize(("is_list", "output"), [(True, []), (False, None)])
def test_a_success_without_output_has_one_all_the_same(prediction, is_list, output):
    prediction.end(ended("succeeded", is_list=is_list))

    assert msgspec.json.decode(prediction.reply())["output"] == output


def test_it_ends_once(prediction):
    heard = []
    prediction.when_ended(lambda: heard.append(prediction.status))

    prediction.end(ended("canceled"))
    prediction.end(ended("succeeded"))

    assert heard == [Status.CANCELED]


def test_one_that_ended_holds_neither_its_input_nor_itself():
    """Both may hold whole files, and nobody knows when garbage is collected."""
    prediction = Prediction("p1", {"file": "data:,x"}, {})
    prediction.on_abandoned = prediction.start
    gone = weakref.ref(prediction)

    prediction.end(ended("succeeded"))

    assert prediction.input == {}
    del prediction
    assert gone() is None


def test_listeners_hear_everything_in_order(prediction):
    heard = []
    prediction.listen(lambda event: heard.append((event.sequence, event.name)))

    prediction.start()
    prediction.add_log("stdout", "x")
    prediction.end(ended("succeeded"))

    assert heard == [(1, "start"), (2, "log"), (3, "completed")]


def test_it_is_abandoned_when_its_last_client_leaves(prediction):
    abandoned = []
    prediction.on_abandoned = lambda: abandoned.append(True)
    prediction.followers = 2

    prediction.leave()
    assert not abandoned

    prediction.leave()
    assert abandoned


def test_a_failure_keeps_its_output_and_logs_for_streams(prediction):
    prediction.add_log("stderr", "oops")
    prediction.add_output(Raw(b"1"), is_item=True)
    prediction.end(ended("failed", error="no"))

    assert msgspec.json.decode(prediction.reply()) == {
        "id": "p1",
        "logs": "",
        "metrics": {"predict_time": 0.5},
        "error": "no",
        "status": "failed",
    }
    snapshot = msgspec.json.decode(msgspec.json.encode(prediction.snapshot()))
    assert (snapshot["logs"], snapshot["output"]) == ("oops", [1])


@pytest.mark.parametrize(
    ("calls", "metrics"),
    [
        ([("a.b", 1, "replace"), ("a.c", 2, "replace")], {"a": {"b": 1, "c": 2}}),
        ([("a", 1, "replace"), ("a.b", 2, "replace")], {"a": {"b": 2}}),
        ([("n", 1, "increment"), ("n", 2.5, "increment")], {"n": 3.5}),
        ([("l", 1, "append"), ("l", "x", "append")], {"l": [1, "x"]}),
        ([("l", 1, "replace"), ("l", 2, "append")], {"l": [1, 2]}),
        ([("a.b", 1, "replace"), ("a.b", None, "replace")], {"a": {}}),
        ([("never", None, "replace")], {}),
    ],
)
def test_metrics_replace_add_append_and_nest(calls, metrics):
    recorded: dict = {}
    for name, value, mode in calls:
        record(recorded, Metric(1, name, value, mode))

    assert recorded == metrics
