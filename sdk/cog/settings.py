"""The environment variables that the SDK itself reads; server and worker have their own."""

import os

DEFAULT_USER_AGENT = "coghub"
"""Many hosts refuse the standard library's own name."""


def user_agent() -> str:
    """Return the User-Agent of downloads: `COG_USER_AGENT` if it is set."""
    return os.environ.get("COG_USER_AGENT") or DEFAULT_USER_AGENT
