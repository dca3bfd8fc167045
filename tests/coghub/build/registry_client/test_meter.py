"""How far a push or pull is."""

import pytest

from coghub.build.events import Progress, Step
from coghub.build.registry_client.meter import Meter
from coghub.build.registry_client.retries import Retries
from coghub.domain.errors import RegistryBusy, RegistryUnreachable


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def events():
    return []


@pytest.fixture
def meter(clock, events):
    return Meter("Pushed", 200_000_000, events.append, now=lambda: clock[0])


def test_it_is_shown_often_and_said_seldom(meter, clock, events):
    for tick in range(1, 2001):
        clock[0] = tick / 100
        meter.advance(1000, moved=1000)

    assert 150 <= len(events) <= 201
    assert [type(it) for it in events].count(Step) == 2
    assert all(isinstance(it, Step | Progress) for it in events)


def test_a_line_says_bytes_rate_and_the_time_that_is_left(meter, clock, events):
    clock[0] = 2.0
    meter.advance(100_000_000, moved=100_000_000)

    assert events == [Progress("Pushed 100.0 MB of 200.0 MB, 50.0 MB/s, 2 s left")]


def test_what_was_there_is_done_without_a_rate(meter, clock, events):
    clock[0] = 1.0
    meter.spare(100_000_000)

    assert events == [Progress("Pushed 100.0 MB of 200.0 MB")]
    assert (meter.moved, meter.spared, meter.done) == (0, 100_000_000, 100_000_000)


def test_the_rate_is_that_of_the_last_seconds(meter, clock, events):
    for second in range(1, 20):
        clock[0] = float(second)
        meter.advance(1_000_000 if second < 10 else 0, moved=1_000_000 if second < 10 else 0)

    assert events[-1].text == "Pushed 9.0 MB of 200.0 MB"


def test_waits_grow_and_are_bounded_by_what_a_server_may_ask():
    waits = []
    failures = [RegistryUnreachable("a"), RegistryBusy("b", retry_after_s=9000.0), None]

    def attempt():
        failure = failures.pop(0)
        if failure:
            raise failure
        return "done"

    assert Retries(waits.append).run(attempt) == "done"
    assert waits == [0.5, 120.0]


def test_what_cannot_pass_is_not_tried_again():
    def attempt():
        raise RegistryUnreachable("no", is_final=True)

    with pytest.raises(RegistryUnreachable):
        Retries(lambda _: pytest.fail("waited")).run(attempt)
