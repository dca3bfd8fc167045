"""Who changes something, and what is kept of the change.

Who acts is known where a request comes in, and is not handed through every call from there on: it
goes along with the task. A command on the hub's own machine acts for the operator.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from coghub.domain.account import Account


class Via(StrEnum):
    """How somebody reaches the hub."""

    API = "api"
    WEB = "web"
    REGISTRY = "registry"
    COMMAND = "command"
    """On the hub's own machine, as an operator."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something."""

    account_id: int | None
    """None is no account: an operator, or a stranger who signs up."""
    name: str
    via: Via


OPERATOR = Actor(None, "operator", Via.COMMAND)
STRANGER = "stranger"
_acting: ContextVar[Actor] = ContextVar("acting", default=OPERATOR)


def actor() -> Actor:
    """Return who acts in this task."""
    return _acting.get()


@contextmanager
def answering(via: Via) -> Generator[None]:
    """Let a stranger act inside the block, until `identify` says who it is."""
    token = _acting.set(Actor(None, STRANGER, via))
    try:
        yield
    finally:
        _acting.reset(token)


def identify(account: Account) -> None:
    """Let an account be the one that acts, to the end of the request."""
    _acting.set(replace(_acting.get(), account_id=account.id, name=account.name))


class Action(StrEnum):
    """What is written down: a thing, and what was done to it."""

    ACCOUNT_CREATE = "account.create"
    PASSWORD_CHANGE = "password.change"  # noqa: S105 - a word
    TOKEN_CREATE = "token.create"  # noqa: S105 - a word
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - a word
    MODEL_CREATE = "model.create"
    MODEL_CHANGE = "model.change"
    MODEL_DELETE = "model.delete"
    MODEL_SHARE = "model.share"
    MODEL_UNSHARE = "model.unshare"
    VARIABLE_SET = "variable.set"
    VARIABLE_UNSET = "variable.unset"
    VERSION_PUSH = "version.push"
    VERSION_TRAIN = "version.train"
    """A training made it; who asked for that is the actor."""
    VERSION_DELETE = "version.delete"
    DEPLOYMENT_CREATE = "deployment.create"
    DEPLOYMENT_CHANGE = "deployment.change"
    """A release, also one that is like an older one."""
    DEPLOYMENT_DELETE = "deployment.delete"
    COLLECTION_CREATE = "collection.create"
    COLLECTION_CHANGE = "collection.change"
    """What is said of it, and which models it has."""
    COLLECTION_DELETE = "collection.delete"
    EXAMPLE_ADD = "example.add"
    EXAMPLE_REMOVE = "example.remove"
    PREDICTION_DELETE = "prediction.delete"
    REPOSITORY_REMOVE = "repository.remove"
    """A tag, a manifest or a blob, by the registry."""
    GARBAGE_COLLECT = "garbage.collect"
    """By somebody, and not by the hub itself."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that was made."""

    id: int
    created_at: datetime
    actor: Actor
    action: str
    subject: str
    """What was changed: an account's name, `owner/name`, a collection's slug, a prediction's id."""
    details: Mapping[str, Any]
    """Names and numbers, never values that may be secret."""
