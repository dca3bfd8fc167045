"""A PostgreSQL server that is away for a while: nothing is lost, and no model runs again for it."""

import pytest
from sqlalchemy import select

from coghub.database.schema import properties
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.prediction import Status
from coghub.hub_settings import HubSettings
from coghub.scheduler import patience


@pytest.fixture
def server(postgres_server, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    return postgres_server


@pytest.fixture
def name(server, empty_template):
    made = server.make(empty_template)
    yield made
    server.run(f"DROP DATABASE {made} WITH (FORCE)")


@pytest.fixture
def hub_settings(server, name, tmp_path):
    return HubSettings(data=tmp_path / "hub", database=server.url(name))


@pytest.fixture
def put(server, name):
    """Let no connection live, as when the server is started again."""

    def change(*, is_away):
        server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {not is_away}")
        if is_away:
            server.run(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                f" WHERE datname = '{name}'"
            )

    return change


async def test_a_result_waits_until_the_server_is_back(started, put, alice, hello):
    made = await started.make(alice, hello(do="wait"))
    await started.until_status(made, Status.PROCESSING)
    waiting = await started.make(alice, hello(text="second"))
    put(is_away=True)
    started.executor.instances[0].may_go_on.set()
    for run in (started.hub.database.read, started.hub.database.write):
        with pytest.raises(DatabaseUnreachable):
            await run(lambda connection: connection.execute(select(properties)).all())
    put(is_away=False)

    ended = await started.end_of(made)

    assert (ended.status, ended.output) == (Status.SUCCEEDED, "waited")
    assert (await started.end_of(waiting)).output == "second"
    assert [len(it.ran) for it in started.executor.instances] == [2]
