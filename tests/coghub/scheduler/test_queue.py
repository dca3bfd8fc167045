"""Who is next."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coghub.domain.signals import Waiting
from coghub.scheduler.queue import LEFT_S, Queue

START = datetime(2026, 1, 1, tzinfo=UTC)


def waiting(name, account=1, version=1, age=0, attempt=0):
    return Waiting(name, account, version, START + timedelta(seconds=age), attempt)


def test_of_one_account_who_waits_longest_is_next():
    queue = Queue()
    for place in range(3):
        queue.add(waiting(f"p{place}", age=place))

    assert queue.next_for(1, {}).id == "p0"
    queue.remove("p0")
    assert queue.next_for(1, {}).id == "p1"


def test_the_account_with_the_fewest_running_is_next():
    queue = Queue()
    queue.add(waiting("greedy", account=1, age=0))
    queue.add(waiting("modest", account=2, age=5))

    assert queue.next_for(1, {1: 3, 2: 1}).id == "modest"
    assert queue.next_for(1, {}).id == "greedy"


def test_accounts_take_turns():
    queue = Queue()
    for place in range(3):
        queue.add(waiting(f"a{place}", account=1, age=place))
        queue.add(waiting(f"b{place}", account=2, age=10 + place))

    served = []
    while (head := queue.next_for(1, {})) is not None:
        queue.serve(head)
        served.append(head.id)

    assert served == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_versions_are_served_in_the_order_of_those_who_wait():
    queue = Queue()
    queue.add(waiting("young", version=7, age=9))
    queue.add(waiting("old", version=8, age=1))

    assert queue.versions({}) == [8, 7]


def test_who_is_given_back_has_its_old_place():
    queue = Queue()
    first = waiting("first", age=0, attempt=1)
    queue.add(waiting("second", age=1))
    queue.add(first)

    assert queue.next_for(1, {}).id == "first"
    assert [it.id for it in queue.oldest(1)] == ["first", "second"]


def test_what_was_taken_out_is_remembered_for_a_while():
    now_s = 0.0
    queue = Queue(lambda: now_s)
    first = waiting("first")
    queue.add(first)
    queue.remove("first")

    assert queue.has_left(first)
    assert not queue.has_left(waiting("first", attempt=1))
    now_s = LEFT_S + 1
    assert not queue.has_left(first)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(1, 3), st.integers(1, 3))))
def test_a_queue_holds_what_was_added_and_not_removed(steps):
    queue, known = Queue(), {}
    for is_added, number, account, version in steps:
        name = f"p{number}"
        if is_added:
            queue.add(waiting(name, account, version, age=number))
            known.setdefault(name, version)
        else:
            assert queue.remove(name) == (known.pop(name, None) is not None)

    assert len(queue) == len(known)
    assert {it.id for key in queue.versions({}) for it in queue.waiting_for(key)} == set(known)
    for key in queue.versions({}):
        assert queue.count(key) == list(known.values()).count(key)
