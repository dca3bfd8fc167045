"""Connections that break behind a commit: what was done is done once, and taken for done."""

import pytest

from coghub.database import instances as instance_rows
from coghub.database import predictions as rows
from coghub.database.attempts import Recorded
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.prediction import EventKind, Status
from coghub.domain.signals import Waiting
from coghub.scheduler import patience


class Answers:
    """Loses each second answer to a kind of change, the first one too."""

    def __init__(self, hub, monkeypatch):
        self._write = hub.database.write
        self._kind = ()
        self.lost = 0
        self._is_next_lost = True
        monkeypatch.setattr(hub.database, "write", self.write)

    def lose(self, kind):
        """Lose answers of this class."""
        self._kind = kind

    async def write(self, change):
        result = await self._write(change)
        if not isinstance(result, self._kind):
            return result
        is_lost, self._is_next_lost = self._is_next_lost, not self._is_next_lost
        if is_lost:
            self.lost += 1
            raise DatabaseUnreachable("postgresql://db", "server closed the connection")
        return result


@pytest.fixture
def answers(hub, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    return Answers(hub, monkeypatch)


async def test_what_an_instance_tells_is_written_once(started, answers, alice, hello):
    answers.lose(Recorded)

    made = await started.make(alice, hello(do="die late"))
    async for event in started.hub.predictions.follow(made):
        if event.kind is EventKind.OUTPUT:
            break
    started.executor.instances[0].may_go_on.set()
    ended = await started.end_of(made)

    events = await started.hub.database.read(lambda c: rows.events_of(c, made.id))
    assert [it.content.value for it in events if it.kind is EventKind.OUTPUT] == ["first"]
    assert (ended.status, ended.output) == (Status.FAILED, ["first"])
    assert answers.lost >= 2


async def test_an_end_is_told_to_who_waits(started, answers, alice, hello):
    answers.lose(Recorded)

    ended = await started.run(alice, hello(do="items", count=3))

    [member] = started.fleet
    await started.until(lambda: not member.running)
    assert answers.lost
    assert (ended.status, ended.output) == (Status.SUCCEEDED, ["0", "1", "2"])
    assert started.hub.signals.ended_by_status == {Status.SUCCEEDED: 1}
    assert len(started.executor.instances[0].ran) == 1


async def test_a_prediction_that_was_given_back_runs(started, answers, alice, hello):
    answers.lose(Waiting)
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    await started.executor.instances[0].die()
    await started.until(lambda: len(started.executor.instances) > 1)
    started.executor.instances[-1].may_go_on.set()

    ended = await started.end_of(made)

    assert answers.lost == 1
    assert (ended.status, ended.output) == (Status.SUCCEEDED, "waited")


async def test_an_instance_that_is_written_down_twice_starts(started, answers, alice, hello):
    answers.lose(bool)

    ended = await started.run(alice, hello(text="x"))

    assert answers.lost
    assert (ended.status, ended.output) == (Status.SUCCEEDED, "x")
    assert len(started.executor.instances) == 1


@pytest.mark.sqlite_only  # on a server, others are looked at all the time
async def test_a_look_at_others_that_fails_fails_nobody(
    started, answers, alice, hello, monkeypatch
):
    """An instance that another hub starts meanwhile is enough, and its hub is looked at."""
    looks = []

    async def look():
        looks.append("tried")
        if len(looks) < 3:
            raise DatabaseUnreachable("postgresql://db", "connection refused")

    monkeypatch.setattr(started.hub.peers, "look", look)
    monkeypatch.setattr(instance_rows, "add", lambda *_: len(looks) >= 3)

    ended = await started.run(alice, hello(text="x"))

    assert len(looks) == 3
    assert ended.output == "x"
