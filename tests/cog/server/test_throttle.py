"""How often, and when again."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cog.server.webhooks import Throttle, pause_s


def test_the_first_goes_through_at_once_and_the_next_waits():
    throttle = Throttle(0.5)

    assert throttle.delay_s(10.0) == 0.0
    throttle.passed(10.0)
    assert throttle.delay_s(10.2) == 0.5 - (10.2 - 10.0)


def test_who_comes_while_another_waits_is_covered_by_that_one():
    throttle = Throttle(0.5)
    throttle.delay_s(10.0)

    assert throttle.delay_s(10.1) is None


@given(st.lists(st.floats(0, 100)), st.floats(0.01, 10))
def test_nothing_goes_through_more_often_than_once_an_interval(times, interval_s):
    throttle = Throttle(interval_s)
    passed: list[float] = []
    for now_s in sorted(times):
        if passed and passed[-1] > now_s:
            continue
        delay_s = throttle.delay_s(now_s)
        if delay_s is not None:
            passed.append(now_s + delay_s)
            throttle.passed(passed[-1])

    gaps = [later - earlier for earlier, later in pairwise(passed)]
    assert all(gap >= interval_s - 1e-9 for gap in gaps)


def test_pauses_double_up_to_a_limit():
    assert [pause_s(attempt) for attempt in (1, 2, 3)] == [0.1, 0.2, 0.4]
    assert pause_s(12) == pause_s(11) == 102.4
