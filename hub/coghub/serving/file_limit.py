"""How many files and connections the hub's process may have open at once."""

import resource

WANTED = 65_536
"""Each connection is one, and each upload under way; shells commonly allow 1024."""


def raise_file_limit() -> int:
    """Raise this process's limit as far as it may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (ValueError, OSError):  # macOS has a limit of its own below the hard one
        return soft
    return allowed
