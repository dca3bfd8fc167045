"""Variables of models: sealed, named sensibly, never shown."""

import pytest
from sqlalchemy import select
from tests.coghub.all_rows import all_rows

from coghub.database.encryption import Box
from coghub.database.schema import model_variables
from coghub.domain.errors import KeyFileInvalid, RequestInvalid, VariableNotFound
from coghub.models.variables import MAX_VALUE_BYTES, MAX_VARIABLES, Variable, Variables


@pytest.fixture
def variables(hub):
    return Variables(hub.database, hub.box)


@pytest.fixture
async def model(hub, alice):
    return await hub.models.create(alice, "alice", "painter")


async def test_an_instance_gets_what_was_set_last(variables, model):
    await variables.put(model, "HF_TOKEN", "hf_first", is_secret=True)
    await variables.put(model, "HF_TOKEN", "hf_sécond\nline", is_secret=True)
    await variables.put(model, "MODE", "", is_secret=False)

    assert await variables.environment_of(model.id) == {"HF_TOKEN": "hf_sécond\nline", "MODE": ""}


async def test_only_names_are_shown(variables, model):
    await variables.put(model, "MODE", "fast", is_secret=False)
    await variables.put(model, "HF_TOKEN", "hf_secret", is_secret=True)

    assert await variables.names(model) == [Variable("HF_TOKEN", True), Variable("MODE", False)]


async def test_only_secrets_are_hidden_from_logs(variables, model):
    await variables.put(model, "MODE", "fast", is_secret=False)
    await variables.put(model, "HF_TOKEN", "hf_secret", is_secret=True)

    assert await variables.secrets_of(model.id) == ["hf_secret"]


async def test_rows_hold_nothing_in_clear(hub, variables, model):
    await variables.put(model, "MODE", "clear-as-day", is_secret=False)

    values = await hub.database.read(
        lambda c: c.execute(select(model_variables.c.value)).scalars().all()
    )

    assert len(values) == 1
    assert b"clear-as-day" not in values[0]
    assert "clear-as-day" not in str(await all_rows(hub))
    assert all(
        b"clear-as-day" not in path.read_bytes() for path in hub.settings.data.glob("hub.db*")
    )


async def test_variables_of_one_model_are_not_those_of_another(hub, alice, variables, model):
    other = await hub.models.create(alice, "alice", "writer")
    await variables.put(model, "MODE", "fast", is_secret=False)

    assert await variables.environment_of(other.id) == {}
    with pytest.raises(VariableNotFound, match="alice/writer"):
        await variables.remove(other, "MODE")


async def test_a_removed_variable_is_gone(variables, model):
    await variables.put(model, "MODE", "fast", is_secret=False)

    await variables.remove(model, "MODE")

    assert await variables.names(model) == []


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A" * 129, "A\0"])
async def test_a_name_is_one_that_every_shell_takes(variables, model, name):
    with pytest.raises(RequestInvalid, match="Not a name"):
        await variables.put(model, name, "x", is_secret=False)


@pytest.mark.parametrize("name", ["PATH", "HOME", "COG_FETCH_ALLOW", "COGHUB_DATA", "LD_PRELOAD"])
async def test_what_the_hub_sets_cannot_be_set(variables, model, name):
    with pytest.raises(RequestInvalid, match="sets this variable itself"):
        await variables.put(model, name, "x", is_secret=False)


async def test_weights_are_the_models_own(variables, model):
    await variables.put(model, "COG_WEIGHTS", "https://weights.example/1", is_secret=False)

    assert list(await variables.environment_of(model.id)) == ["COG_WEIGHTS"]


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x" * (MAX_VALUE_BYTES + 1)])
async def test_a_value_that_no_process_can_be_given_is_refused_unseen(variables, model, value):
    with pytest.raises(RequestInvalid) as refused:
        await variables.put(model, "MODE", value, is_secret=True)

    assert value not in refused.value.message


async def test_a_model_has_a_limited_number(variables, model):
    for number in range(MAX_VARIABLES):
        await variables.put(model, f"V{number}", "x", is_secret=False)

    with pytest.raises(RequestInvalid, match="at most"):
        await variables.put(model, "ONE_MORE", "x", is_secret=False)

    await variables.put(model, "V0", "y", is_secret=False)
    assert len(await variables.names(model)) == MAX_VARIABLES


async def test_another_key_opens_nothing(hub, variables, model):
    await variables.put(model, "MODE", "fast", is_secret=False)
    stranger = Variables(hub.database, Box(b"A" * 43 + b"="))

    with pytest.raises(KeyFileInvalid):
        await stranger.environment_of(model.id)
