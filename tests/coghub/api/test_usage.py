"""Accounts are told what they ran, and administrators what everybody did."""

import pytest
from hub_client import Client
from sqlalchemy import insert

from coghub.database.schema import usage_days
from coghub.database.usage import day_number

PATH = "/v1/hub/usage"


@pytest.fixture
async def sums(hub, alice, bob):
    """Today's sums of two accounts."""
    today = day_number(hub.now().date())
    rows = [
        (today, alice.id, "alice/paint", "cpu", 3, 1, 0, 1_500_000),
        (today, alice.id, "alice/paint", "gpu-h100", 1, 0, 0, 250_000),
        (today - 40, alice.id, "alice/old", "cpu", 9, 0, 0, 1),
        (today, bob.id, "alice/paint", "cpu", 5, 0, 2, 10),
    ]
    names = [column.name for column in usage_days.c]
    values = [dict(zip(names, row, strict=True)) for row in rows]
    await hub.database.write(lambda c: c.execute(insert(usage_days), values))


async def test_an_account_is_told_its_own(hub, as_alice, sums):
    told = (await as_alice("GET", PATH)).json()

    assert told["to"] == hub.now().date().isoformat()
    assert told["group"] == ["model"]
    assert told["results"] == [
        {
            "model": "alice/paint",
            "predictions": 4,
            "failed": 1,
            "canceled": 0,
            "predict_seconds": 1.75,
        }
    ]


async def test_an_administrator_is_told_everybodys(hub, app, sums):
    await hub.accounts.create("root", is_admin=True)
    as_root = Client(app, await hub.accounts.create_token("root"))

    told = (await as_root("GET", PATH, params={"group": "account,hardware"})).json()

    found = [(it["account"], it["hardware"], it["predictions"]) for it in told["results"]]
    assert found == [("alice", "cpu", 3), ("alice", "gpu-h100", 1), ("bob", "cpu", 5)]


async def test_a_span_of_days_is_chosen(as_alice, sums):
    params = {"from": "2000-01-01", "group": "model"}

    told = (await as_alice("GET", PATH, params=params)).json()

    assert [it["model"] for it in told["results"]] == ["alice/old", "alice/paint"]


async def test_it_comes_as_csv_too(hub, as_alice, sums):
    answer = await as_alice(
        "GET", PATH, params={"group": "day,model"}, headers={"accept": "text/csv"}
    )

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    today = hub.now().date().isoformat()
    assert answer.text.splitlines() == [
        "day,model,predictions,failed,canceled,predict_seconds",
        f"{today},alice/paint,4,1,0,1.75",
    ]


async def test_without_groups_there_is_one_sum(as_alice, as_bob, sums):
    assert len((await as_alice("GET", PATH, params={"group": ""})).json()["results"]) == 1


@pytest.mark.parametrize(
    "params",
    [
        {"from": "soon"},
        {"to": "2026-02-30"},
        {"group": "colour"},
        {"from": "2026-02-02", "to": "2026-02-01"},
    ],
)
async def test_what_says_nothing_is_refused(as_alice, params):
    assert (await as_alice("GET", PATH, params=params)).status_code == 400


async def test_the_first_day_of_all_is_a_day(as_alice):
    assert (await as_alice("GET", PATH, params={"to": "0001-01-01"})).status_code == 200


async def test_strangers_are_told_nothing(as_nobody):
    assert (await as_nobody("GET", PATH)).status_code == 401
