"""An instance's way to ready."""

from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.prediction import Status
from coghub.scheduler import patience


async def test_a_database_that_is_away_for_a_while_fails_nobody_who_waits(
    started, alice, hello, monkeypatch
):
    """What the instance is to be told is read once that can be done."""
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    variables, tries = started.hub.variables, []
    environment_of = variables.environment_of

    async def away(model_id):
        tries.append(model_id)
        if len(tries) < 3:
            raise DatabaseUnreachable("postgresql://db", "connection refused")
        return await environment_of(model_id)

    monkeypatch.setattr(variables, "environment_of", away)

    ended = await started.run(alice, hello(text="hello"))

    assert (ended.status, len(tries)) == (Status.SUCCEEDED, 3)
    assert len(started.executor.instances) == 1
