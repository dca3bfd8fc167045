import pytest

from coghub.domain.instance_event import Completed, Log, Metric, Output, Started, event_of


@pytest.mark.parametrize(
    ("name", "told", "event"),
    [
        ("start", {"id": "p", "status": "processing"}, Started("p")),
        ("log", {"source": "stdout", "data": "x"}, Log("x")),
        ("output", {"chunk": [1], "index": None}, Output([1], None)),
        ("output", {"chunk": "a", "index": 0}, Output("a", 0)),
        ("metric", {"name": "m", "value": 1, "mode": "replace"}, Metric("m", 1, "replace")),
        (
            "completed",
            {"status": "failed", "error": "boom", "metrics": {"a": 1}, "output_is_list": True},
            Completed("failed", "boom", {"a": 1}, is_list=True),
        ),
        ("completed", {"status": "succeeded"}, Completed("succeeded")),
        ("something-new", {}, None),
    ],
)
def test_each_event_of_a_stream_has_its_value(name, told, event):
    assert event_of(name, told) == event
