"""Who uses a hub."""

import re
from dataclasses import dataclass
from datetime import datetime

NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|[._-](?=[a-z0-9])){0,62}")
"""Also a path segment of a repository, so the OCI specification's rules hold: lower case only."""

RESERVED = frozenset(
    {
        "account",
        "accounts",
        "admin",
        "anonymous",
        "api",
        "assets",
        "auth",
        "cog",
        "cog-base",
        "collections",
        "create",
        "dashboard",
        "deployments",
        "docs",
        "explore",
        "files",
        "hardware",
        "health",
        "healthz",
        "help",
        "home",
        "hub",
        "login",
        "logout",
        "metrics",
        "models",
        "new",
        "openapi.json",
        "p",
        "predictions",
        "readyz",
        "search",
        "settings",
        "signin",
        "signup",
        "static",
        "stream",
        "trainings",
        "uploads",
        "user",
        "users",
        "v1",
        "v2",
        "webhooks",
    }
)
"""First segments of the hub's own paths; an owner of that name would be unreachable."""


ANONYMOUS = "anonymous"
"""The account of what is run without one, where a setting allows that; nobody signs in with it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the hub, who owns models and predictions."""

    id: int
    name: str
    is_admin: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: not the token itself."""

    id: int
    hint: str
    """Its beginning."""
    created_at: datetime


def is_account_name(name: str) -> bool:
    """Tell whether an account may have this name."""
    return NAME.fullmatch(name) is not None and name not in RESERVED
