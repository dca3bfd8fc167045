"""What was run in a month is shown to who ran it, and all of it to administrators."""

import csv
import io

import pytest

from coghub.domain.prediction import End, Status
from coghub.predictions.predictions import Order


@pytest.fixture
async def used(hub, model, alice):
    """Three predictions that alice had canceled."""
    whole = Order(model, model.latest_version, {"image": "https://a.test/a.png"}, "http://hub.test")
    for _ in range(3):
        made = await hub.predictions.create(alice, whole)
        await hub.predictions.end(made.id, End(Status.CANCELED))


async def test_an_account_sees_its_own(browse, used, bob):
    page = (await browse("/usage", "alice")).text

    assert "alice/paint" in page
    assert '<td class="number">3</td>' in page
    assert "Nothing was run" in (await browse("/usage", "bob")).text
    assert (await browse("/usage")).status_code == 303


async def test_an_administrator_sees_everybodys_also_as_csv(browse, used, hub):
    await hub.accounts.create("root", is_admin=True)
    month = hub.now().strftime("%Y-%m")

    assert "<td>alice</td>" in (await browse("/usage", "root")).text
    answer = await browse(f"/usage?month={month}&format=csv", "root")

    assert answer.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["account"], row["model"], row["canceled"]) == ("alice", "alice/paint", "3")


async def test_another_month_is_empty_and_leads_on(browse, used):
    page = (await browse("/usage?month=2020-12", "alice")).text

    assert "Nothing was run" in page
    assert "?month=2020-11" in page
    assert "?month=2021-01" in page


@pytest.mark.parametrize("month", ["x", "2026-13", "0001-01", "9999-12", "2026-1", "2026-01-01"])
async def test_what_is_no_month_is_refused(browse, alice, month):
    assert (await browse(f"/usage?month={month}", "alice")).status_code == 400
