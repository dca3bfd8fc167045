"""The event log: numbers, replay, and what is dropped of too many logs."""

from hypothesis import given
from hypothesis import strategies as st

from cog.server.events import ENTRY_BYTES, EventLog


def log_of(*texts: str, max_log_bytes: int) -> EventLog:
    events = EventLog(max_log_bytes)
    for text in texts:
        events.add("log", {"data": text, "source": "stdout"})
    return events


def test_events_are_replayed_in_order_whatever_they_are():
    events = EventLog()
    for name in ("start", "log", "metric", "log", "completed"):
        events.add(name, {"data": name})

    replayed = list(events.after(1))

    assert [it.sequence for it in replayed] == [2, 3, 4, 5]
    assert [it.name for it in replayed] == ["log", "metric", "log", "completed"]


def test_logs_within_the_limit_are_kept_whole():
    assert log_of("a\n", "b\n", max_log_bytes=4 * ENTRY_BYTES + 8).logs == "a\nb\n"


def test_too_many_logs_keep_head_and_tail_and_count_the_rest():
    texts = [f"{n:03}\n" for n in range(100)]
    events = log_of(*texts, max_log_bytes=4 * (ENTRY_BYTES + 4))

    assert events.logs == "000\n001\n\n[… 384 bytes of logs dropped …]\n098\n099\n"
    assert [(it.sequence, it.name) for it in events.after(0)] == [
        (1, "log"),
        (2, "log"),
        (98, "dropped"),
        (99, "log"),
        (100, "log"),
    ]


def test_many_empty_logs_do_not_fill_the_memory():
    assert sum(1 for _ in log_of(*[""] * 1000, max_log_bytes=ENTRY_BYTES * 10).after(0)) == 11


@given(st.lists(st.text(max_size=20), max_size=40), st.integers(0, 4000))
def test_kept_and_dropped_bytes_add_up(texts, max_log_bytes):
    events = log_of(*texts, max_log_bytes=max_log_bytes)

    kept = [it for it in events.after(0) if it.name == "log"]
    dropped = sum(it.fields["bytes"] for it in events.after(0) if it.name == "dropped")

    size = sum(len(it.fields["data"].encode()) for it in kept)
    assert size + dropped == sum(len(it.encode()) for it in texts)
    sequences = [it.sequence for it in events.after(0)]
    assert sequences == sorted(set(sequences))
