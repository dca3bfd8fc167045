"""The administrator that the first start of a hub makes, and how to log in as it."""

import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass

from coghub.domain.account import is_account_name
from coghub.parts import Hub

OTHER_NAME = "operator"
"""Where the system has no name for this user, or none that an account may have."""


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """An account that was just made, and its token, which is stored as a hash only."""

    name: str
    token: str

    def lines(self, address: str, which_hub: str = "") -> Iterator[str]:
        """Yield what its owner is told; `which_hub` is the option that names the data folder."""
        yield f"Made an administrator: {self.name}"
        yield f"Its token, shown this once: {self.token}"
        yield ""
        yield "Sign in on its pages, with that name and token:"
        yield f"  {address}/login"
        yield "Log in to push models:"
        yield f"  echo {self.token} | cog login --token-stdin {address}"
        yield "Let the official clients find this hub:"
        yield f"  export REPLICATE_BASE_URL={address} REPLICATE_API_TOKEN={self.token}"
        yield "Make accounts for others:"
        yield f"  coghub user create NAME{which_hub} && coghub token create NAME{which_hub}"
        yield ""


async def first_login(hub: Hub) -> FirstLogin | None:
    """Make an administrator where there is no account at all."""
    if await hub.accounts.list():
        return None
    name = _name()
    await hub.accounts.create(name, is_admin=True)
    return FirstLogin(name, await hub.accounts.create_token(name))


def _name() -> str:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name.lower()
    except KeyError:
        return OTHER_NAME
    return name if is_account_name(name) else OTHER_NAME
