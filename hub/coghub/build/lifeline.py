"""Makes sure that what a command started does not outlive it, even if it is killed outright.

A tiny shell waits at the end of a pipe. The pipe ends when this process does, whatever the reason;
then the shell tells the processes that were named to it to end, and after a while makes them.
"""

import subprocess

_SCRIPT = """
trap '' INT TERM HUP
tell() { kill "-$1" "-$2" || kill "-$1" "$2"; }
while read -r pid; do pids="$pids $pid"; done
for wait in 1 2; do
    for pid in $pids; do tell TERM "$pid"; done
    for tenth in 1 2 3 4 5 6 7 8 9 10; do
        alive=
        for pid in $pids; do tell 0 "$pid" && alive=1; done
        [ "$alive" ] || exit 0
        sleep 0.1
    done
done
for pid in $pids; do tell KILL "$pid"; done
"""
"""A server hears the second SIGTERM as: leave at once."""


class Lifeline:
    """Ends processes after this one; to be closed when they have ended before it."""

    def __init__(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "lifeline"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )

    def guard(self, pid: int) -> None:
        """Name a process that may not outlive this one; with its group, if it leads one."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(b"%d\n" % pid)

    def close(self) -> None:
        """Let go: nothing is left that would have to be ended."""
        self._shell.kill()
        self._shell.wait()
        assert self._shell.stdin is not None
        self._shell.stdin.close()
