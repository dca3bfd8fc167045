"""A PostgreSQL server of our own: a cluster in a temporary folder, behind a unix socket.

It runs as another user where the tests run as root, which PostgreSQL refuses, and asks nobody for a
password: the folder of its socket lets no one else in.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
"""Where Debian has the server's programs, which are not on PATH there."""
PROGRAMS = ("initdb", "postgres")
USERS = ("postgres", "nobody")
START_S = 60
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB")
"""Without what makes a crash survivable: no test needs it."""


class PostgresServer:
    """A running server; each database is made for one test."""

    def __init__(self, sockets: Path, command: Sequence[str]) -> None:
        self._sockets = sockets
        self._command = command
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; where it was killed, what was committed is there again."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        _wait(self._process, self.url("postgres"))

    def kill(self) -> None:
        """End all its processes as a power cut does; with `FAST` it may not start again."""
        assert self._process is not None
        pids = [self._process.pid, *_children(self._process.pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(START_S)
        until = time.monotonic() + START_S
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            assert time.monotonic() < until, "the server does not end"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it at once: nothing of it is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_S)
        self.log.unlink(missing_ok=True)

    @property
    def log(self) -> Path:
        """What it says."""
        return self._sockets.with_suffix(".log")

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://coghub@/{name}?host={self._sockets}"

    @contextmanager
    def database(self, template: str = "template1") -> Generator[str]:
        """Make a database, which is gone after the block, and return its address."""
        name = self.make(template)
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def make(self, template: str = "template1") -> str:
        """Make a database that stays, and return its name."""
        name = f"rows_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def run(self, statement: str) -> None:
        """Do something that is done outside of every database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def missing() -> str | None:
    """Return why no server can be started here."""
    if not all(map(_program, PROGRAMS)):
        return "PostgreSQL's `initdb` and `postgres` are not installed"
    if _other_user() == "":
        return "PostgreSQL does not run as root, and there is no other user"
    return None


@contextmanager
def server(settings: Sequence[str] = FAST) -> Generator[PostgresServer | str]:
    """Start a server for the block, with its own defaults but for these; a text says why not."""
    why_not = missing()
    if why_not is not None:
        yield why_not
        return
    user, initdb, postgres = _other_user(), *map(_program, PROGRAMS)
    folder = Path(tempfile.mkdtemp(prefix="coghub-pg-"))
    try:
        if user is not None:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        _make(folder, [*_as_user(user), initdb])
        command = [*_as_user(user), postgres, "-D", str(folder / "cluster"), "-k", str(folder)]
        options = [f"-c{setting}" for setting in ("listen_addresses=", *settings)]
        found = PostgresServer(folder, [*command, *options])
        try:
            found.start()
            yield found
        finally:
            found.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, initdb: Sequence[str]) -> None:
    flags = ["--username=coghub", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(
        [*initdb, "-D", str(folder / "cluster"), *flags],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Return once the server answers."""
    until = time.monotonic() + START_S
    while not _answers(url):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < until, "the server does not answer"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _program(name: str) -> str:
    found = (place / name for place in PLACES if (place / name).is_file())
    return shutil.which(name) or next(map(str, found), "")


def _other_user() -> str | None:
    """Return who the server has to run as; None for who runs the tests, empty for nobody."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((user for user in USERS if user in known and shutil.which("setpriv")), "")


def _as_user(user: str | None) -> Sequence[str]:
    if user is None:
        return ()
    entry = pwd.getpwnam(user)
    return (
        "setpriv",
        f"--reuid={entry.pw_uid}",
        f"--regid={entry.pw_gid}",
        "--clear-groups",
        "--pdeathsig=SIGQUIT",
    )
