"""Accounts and tokens."""

import pytest

from coghub.domain.account import is_account_name
from coghub.domain.errors import AccountNotFound, Conflict, RequestInvalid, Unauthenticated


async def test_a_token_tells_whose_it_is_until_it_is_revoked(hub, alice):
    token = await hub.accounts.create_token("alice")

    assert (await hub.accounts.authenticate(token)).name == "alice"

    await hub.accounts.revoke_token(token)
    with pytest.raises(Unauthenticated):
        await hub.accounts.authenticate(token)


async def test_all_tokens_of_one_account_are_revoked_together(hub, alice, bob):
    tokens = [await hub.accounts.create_token(name) for name in ("alice", "alice", "bob")]

    assert await hub.accounts.revoke_tokens("alice") == 2

    assert (await hub.accounts.authenticate(tokens[2])).name == "bob"


async def test_a_name_is_taken_once(hub, alice):
    with pytest.raises(Conflict, match="alice"):
        await hub.accounts.create("alice")


async def test_an_unknown_account_gets_no_token(hub):
    with pytest.raises(AccountNotFound, match="`ada`"):
        await hub.accounts.create_token("ada")


@pytest.mark.parametrize("name", ["v1", "Alice", "", "a/b", "-a", "a" * 65, "a..b", "häns"])
async def test_what_would_be_no_path_segment_is_no_name(hub, name):
    with pytest.raises(RequestInvalid):
        await hub.accounts.create(name)


@pytest.mark.parametrize("name", ["alice", "a", "my-team", "a1.b_c"])
def test_ordinary_names_are_names(name):
    assert is_account_name(name)
