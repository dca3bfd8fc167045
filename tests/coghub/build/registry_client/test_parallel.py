"""Several pieces of work at once."""

import threading

import pytest

from coghub.build.registry_client.parallel import run_all

LIMIT_S = 10


def test_all_the_work_is_done():
    done = []

    run_all([lambda n=n: done.append(n) for n in range(100)], count=7, stop=lambda: None)

    assert sorted(done) == list(range(100))


def test_no_work_is_done_at_once():
    run_all([], count=5, stop=lambda: None)


def test_as_many_go_on_at_once_as_are_wanted():
    """Three that wait for each other come to an end only together."""
    meeting = threading.Barrier(3, timeout=LIMIT_S)

    run_all([meeting.wait] * 6, count=3, stop=lambda: None)


def test_the_first_failure_ends_the_others_and_begins_no_more():
    stopped, begun = threading.Event(), []

    def fail():
        raise ValueError("first")

    def wait():
        begun.append(1)
        assert stopped.wait(LIMIT_S)
        raise ValueError("second")

    with pytest.raises(ValueError, match="first"):
        run_all([wait, fail, *[wait] * 20], count=2, stop=stopped.set)

    assert len(begun) <= 3
    assert threading.active_count() < 10
