"""What the user's `healthcheck()` means."""

from typing import Any

from cog.worker import failures

RETURNED_FALSE = "Healthcheck failed: user-defined healthcheck returned False"


def verdict(result: Any) -> str | None:
    """Return the error of a health check that returned: only False is one."""
    return RETURNED_FALSE if result is False else None


def failure(error: BaseException) -> str:
    """Return the error of a health check that raised."""
    return f"Healthcheck failed: {failures.message(error)}"
