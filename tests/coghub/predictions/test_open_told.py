"""What an open prediction told is read once, and is as if it were read anew."""

import pytest
from played_prediction import Play

from coghub.database import predictions as rows
from coghub.predictions import open_told


@pytest.fixture
def asked(monkeypatch):
    """Behind which event each reading of events began."""
    asked = []
    read = rows.events_of

    def events_of(connection, prediction_id, *, after=0, **options):
        asked.append(after)
        return read(connection, prediction_id, after=after, **options)

    monkeypatch.setattr(rows, "events_of", events_of)
    return asked


async def told(hub, alice, order, count):
    made = await hub.predictions.create(alice, order)
    play = await Play(hub, made.id).start()
    for number in range(count):
        await play.output(f"{number} ", number)
    return play


async def test_a_second_look_reads_what_is_new(hub, alice, order, asked, monkeypatch):
    monkeypatch.setattr(open_told, "LEAST_EVENTS", 3)
    play = await told(hub, alice, order, 3)
    first = await hub.predictions.find(play.id)
    await play.log("more\n")
    await play.output("3 ", 3)

    second = await hub.predictions.find(play.id)

    assert (first.output, first.logs) == (["0 ", "1 ", "2 "], "")
    assert (second.output, second.logs) == (["0 ", "1 ", "2 ", "3 "], "more\n")
    assert asked == [0, 3]


async def test_the_end_is_read_from_the_row(hub, alice, order, monkeypatch):
    monkeypatch.setattr(open_told, "LEAST_EVENTS", 1)
    play = await told(hub, alice, order, 2)
    await hub.predictions.find(play.id)
    await play.output("2 ", 2)
    await play.end()

    assert (await hub.predictions.find(play.id)).output == ["0 ", "1 ", "2 "]


async def test_only_some_are_remembered(hub, alice, order, asked, monkeypatch):
    monkeypatch.setattr(open_told, "LEAST_EVENTS", 1)
    monkeypatch.setattr(open_told, "MOST_KEPT", 1)
    one, other = [await told(hub, alice, order, 1) for _ in range(2)]

    for play in (one, other, one):
        assert (await hub.predictions.find(play.id)).output == ["0 "]

    assert asked == [0, 0, 0]


async def test_what_is_large_is_read_again(hub, alice, order, asked, monkeypatch):
    monkeypatch.setattr(open_told, "LEAST_EVENTS", 1)
    monkeypatch.setattr(open_told, "MOST_CHARACTERS", 1)
    play = await told(hub, alice, order, 1)

    for _ in range(2):
        assert (await hub.predictions.find(play.id)).output == ["0 "]

    assert asked == [0, 0]
