"""Whoever changes something leaves an entry, and nothing secret in it."""

import pytest
from tests.coghub.pushed import register_version

from coghub.database.audit import EVERYTHING, Audit, Wanted, newest
from coghub.database.models import PushedVersion
from coghub.domain.account import Account
from coghub.domain.audit import OPERATOR, Via, actor, answering, identify
from coghub.domain.deployment import Configuration
from coghub.domain.errors import Conflict, RequestInvalid
from coghub.domain.model import Visibility


@pytest.fixture
def entries(hub):
    async def read(wanted=EVERYTHING):
        return await hub.database.read(lambda c: newest(c, wanted, limit=100))

    return read


async def test_a_command_acts_for_the_operator(hub, entries):
    await hub.accounts.create("alice", is_admin=True)

    [entry] = await entries()

    assert (entry.action, entry.subject, entry.actor) == ("account.create", "alice", OPERATOR)
    assert entry.details == {"is_admin": True}


async def test_a_request_acts_for_its_account_and_only_until_its_end(alice):
    with answering(Via.API):
        assert actor().name == "stranger"
        identify(alice)
        assert (actor().account_id, actor().name, actor().via) == (alice.id, "alice", Via.API)

    assert actor() is OPERATOR


async def test_what_an_owner_does_to_a_model_is_written_down(hub, alice, bob, entries):
    model = await hub.models.create(alice, "alice", "paint")
    await hub.sharing.add(model, "bob")
    await hub.variables.put(model, "KEY", "hidden-value", is_secret=True)
    await hub.variables.remove(model, "KEY")
    await hub.sharing.remove(model, "bob")
    fields = {"visibility": Visibility.PUBLIC, "readme": "hello"}
    await hub.models.change(alice, "alice", "paint", fields)
    await hub.models.change(alice, "alice", "paint", {"visibility": Visibility.PRIVATE})
    await hub.deletion.delete_model(alice, "alice", "paint")

    found = await entries(Wanted(subject="alice/paint"))

    assert [it.action for it in reversed(found)] == [
        "model.create",
        "model.share",
        "variable.set",
        "variable.unset",
        "model.unshare",
        "model.change",
        "model.change",
        "model.delete",
    ]
    assert found[2].details == {
        "visibility": {"from": "private", "to": "public"},
        "texts": ["readme"],
    }
    assert "hidden-value" not in repr(found)


async def test_of_tokens_only_their_beginning_is_kept(hub, alice, entries):
    token = await hub.accounts.create_token("alice")
    other = await hub.accounts.create_token("alice")
    await hub.accounts.revoke_token(token)
    await hub.accounts.revoke_tokens("alice")
    await hub.passwords.change(alice, "correct horse")

    found = await entries()

    assert [it.action for it in found][:3] == ["password.change", "token.revoke", "token.revoke"]
    assert [it.subject for it in found] == ["alice"] * 6
    assert token not in repr(found)
    assert other not in repr(found)
    assert "correct horse" not in repr(found)


async def test_what_was_refused_leaves_no_entry(hub, alice, entries):
    before = await entries()

    with pytest.raises(Conflict):
        await hub.accounts.create("alice")
    with pytest.raises(RequestInvalid):
        await hub.passwords.change(alice, "short")

    assert await entries() == before


async def test_a_change_that_fails_takes_its_entry_with_it(hub, entries):
    """The entry is in the transaction of the change: there is never one without the other."""
    note = Audit(hub.now).of("deployment.create", "alice/paint")

    def fail(connection):
        note(connection)
        raise LookupError

    with pytest.raises(LookupError):
        await hub.database.write(fail)

    assert await entries() == []


async def test_entries_are_found_by_who_what_and_whose(hub, entries):
    audit = Audit(hub.now)
    with answering(Via.WEB):
        identify(Account(7, "carol", is_admin=True, created_at=hub.now()))
        notes = [audit.of("model.delete", "alice/a_b"), audit.of("model", "alicex/a")]
        notes += [audit.of("modelx.delete", "alice"), audit.of("token.create", "bob", n=1)]
    for note in notes:
        await hub.database.write(note)

    assert [it.subject for it in await entries(Wanted(subject="alice"))] == ["alice", "alice/a_b"]
    assert [it.action for it in await entries(Wanted(action="model"))] == ["model", "model.delete"]
    assert len(await entries(Wanted(actor="carol"))) == 4
    assert await entries(Wanted(actor="dave")) == []
    assert await entries(Wanted(since=hub.now())) == []


async def test_releases_of_deployments_are_written_down(hub, alice, entries):
    model = await hub.models.create(alice, "alice", "paint")
    pushed = PushedVersion("a" * 64, "0.23.1", {}, {}, is_bundle=True)
    await register_version(hub, model, pushed)
    configuration = Configuration("cpu", 0, 1)
    await hub.deployments.create(
        alice, "live", model="alice/paint", version_id="a" * 64, configuration=configuration
    )
    await hub.deployments.change(alice, "alice", "live", {"max_instances": 2})
    await hub.deployments.delete(alice, "alice", "live")

    found = await entries(Wanted(subject="alice/live"))

    assert [it.action for it in reversed(found)] == [
        "deployment.create",
        "deployment.change",
        "deployment.delete",
    ]
    assert found[1].details["max_instances"] == 2
