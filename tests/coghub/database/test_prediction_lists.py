"""Lists of predictions are read from an index, whatever they are filtered by."""

import pytest
from sqlalchemy import event

from coghub.database import prediction_lists as lists
from coghub.database.predictions import Filter
from coghub.domain.prediction import Source


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("source", "index"),
    [
        (None, "ix_predictions_of_account"),
        (Source.API, "ix_predictions_of_account"),
        (Source.WEB, "ix_predictions_of_web"),
    ],
)
async def test_an_index_finds_a_page_in_its_order(hub, source, index):
    """Those of the pages may be few among a million: one by one they would not be found."""

    def plan(connection):
        asked = []
        event.listen(connection, "before_cursor_execute", lambda *it: asked.append(it[2:4]))
        lists.of_account(connection, 1, Filter(source=source), None, limit=100)
        statement, values = asked[0]
        return connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    steps = [row[-1] for row in await hub.database.read(plan)]

    assert len(steps) == 1  # no step that sorts
    assert f"USING INDEX {index} " in steps[0]
