"""The hub is measured on each database: which tables there are, and what fills a database."""

import importlib
from pathlib import Path

import pytest
from tests.coghub.pushed import register_version

from coghub.database import attempts
from coghub.database.attempts import Batch
from coghub.database.models import PushedVersion
from coghub.domain.clock import utc_now
from coghub.domain.prediction import Chunk, End, EventKind, Source, Status
from coghub.domain.signals import Waiting
from coghub.hub_settings import HubSettings
from coghub.opening import DATABASE, open_hub
from coghub.predictions.predictions import Order

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {"components": {"schemas": {"Input": {"type": "object"}, "Output": {}}}}
OLD = 3_000
"""More than the ids that are asked for."""


@pytest.fixture
def bench(monkeypatch):
    """The command: it is no part of what is installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.__main__")


def test_each_table_of_a_hub_is_made_on_both_databases(bench):
    marks = {
        name: [it.mark for it in bench.chosen(name)] for name in ("sqlite", "postgresql", "both")
    }

    assert {"hub", "registry"} <= set(marks["sqlite"])
    assert {"hub on PostgreSQL", "registry on PostgreSQL"} <= set(marks["postgresql"])
    assert set(marks["both"]) == {*marks["sqlite"], *marks["postgresql"]}
    assert "server" in marks["sqlite"]


def test_each_table_has_one_place_in_the_readme(bench):
    text = bench.report.README.read_text(encoding="utf-8")

    for mark in (it.mark for it in bench.SECTIONS):
        assert text.count(f"<!-- {mark}: written by `make bench` -->") == 1
        assert text.count(f"<!-- end of {mark} -->") == 1


async def ended_prediction(hub):
    """Have one that an instance ended, as the benchmark has."""
    alice = await hub.accounts.create("alice")
    model = await hub.models.create(alice, "alice", "paint")
    version = PushedVersion("a" * 64, "0.23.1", SCHEMA, {}, is_bundle=True)
    version = await register_version(hub, model, version)
    order = Order(model, version, {"number": 1}, "http://hub.example")
    made = await hub.predictions.create(alice, order)
    waiting = Waiting(made.id, alice.id, version.key, made.created_at)
    told = [(EventKind.OUTPUT, Chunk(2, None))]
    batch = Batch(started_at=utc_now(), told=told, end=End(Status.SUCCEEDED))
    await hub.database.write(lambda c: attempts.assign(c, waiting, "cpu"))
    await hub.database.write(lambda c: attempts.record(c, made.id, 1, batch, utc_now()))
    return alice


@pytest.fixture
def old_predictions(bench):
    return importlib.import_module("benchmarks.old_predictions")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path, old_predictions):
    """A hub's settings, what fills its database, and what finds some of that."""
    if request.param == "sqlite":
        path = tmp_path / DATABASE
        yield (
            HubSettings(data=tmp_path),
            lambda count: old_predictions.fill_file(path, count),
            lambda: old_predictions.some_ids_of_file(path),
        )
        return
    with request.getfixturevalue("postgres_server").database() as url:
        yield (
            HubSettings(data=tmp_path, database=url),
            lambda count: old_predictions.fill_server(url, count),
            lambda: old_predictions.some_ids_of_server(url),
        )


async def test_old_predictions_are_whole_ones_of_the_same_account(place, old_predictions):
    settings, fill, some_ids = place
    async with open_hub(settings) as hub:
        alice = await ended_prediction(hub)
        [original] = (await hub.predictions.page(alice)).items

    fill(OLD)

    ids = some_ids()
    async with open_hub(settings) as hub:
        page = await hub.predictions.page(alice)
        old = await hub.predictions.get(alice, ids[len(ids) // 2])
        told = [event async for event in hub.predictions.follow(old)]
    assert len(set(ids)) == len(ids) == OLD // (OLD // old_predictions.SOME)
    assert [it.source for it in page.items[1:]].count(Source.WEB) == 19
    assert (old.output, old.logs, old.input) == (2, old_predictions.LOGS, {"number": 1})
    assert [event.content for event in told] == [Chunk(2, None)]
    assert old.created_at < original.created_at
    assert old.stream_key != original.stream_key
