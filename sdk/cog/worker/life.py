"""Not outliving the server, however it ended.

Linux's kernel does it: the pipe `--life` ends with the server, and its end sends SIGKILL to the
worker's whole process group, also while C code holds Python's lock. Elsewhere a thread watches.
"""

import contextlib
import fcntl
import os
import select
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1
"""Source: Linux, prctl(2)."""


def end_with_server(*, life: int | None, socket: int) -> None:
    """Arrange for this process and its children to be killed when the server is gone."""
    if life is not None:
        os.set_inheritable(life, False)  # noqa: FBT003 - its own signature
    if sys.platform == "linux" and life is None:
        _kill_at_death_of_parent()
    elif sys.platform != "linux" or life is None or not _kill_at_end_of(life):
        threading.Thread(
            target=_watch, args=(socket if life is None else life,), daemon=True
        ).start()


def _kill_at_end_of(pipe: int) -> bool:
    """Have the kernel send SIGKILL to the group at the pipe's next event, which is its end.

    Returns whether it will: kernels that only look like Linux may not know how.

    Source: Linux, fcntl(2), F_SETOWN and F_SETSIG.
    """
    is_leader = os.getpgrp() == os.getpid()
    try:
        fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp() if is_leader else os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETSIG, int(signal.SIGKILL))
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        return False
    if _has_ended(pipe, timeout_ms=0):
        _kill_group()
    return True


def _kill_at_death_of_parent() -> None:
    import ctypes  # noqa: PLC0415 - only without a life pipe

    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        _kill_group()


def _watch(descriptor: int) -> None:
    while not _has_ended(descriptor, timeout_ms=None):
        pass
    _kill_group()


def _has_ended(descriptor: int, *, timeout_ms: int | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)  # the end of a stream is reported unasked
    return bool(poll.poll(timeout_ms))


def _kill_group() -> None:
    with contextlib.suppress(PermissionError):
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
