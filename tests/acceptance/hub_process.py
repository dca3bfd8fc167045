"""A hub as an operator runs it: `coghub up` in a process, in a data folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

COGHUB = Path(sys.executable).with_name("coghub")
START_S = 60.0
STOP_S = 30.0


class HubProcess:
    """A running hub; `restart` begins another process on the same folder and port."""

    database_of: ClassVar[Callable[[Path], str] | None] = None
    """Gives the rows of each data folder a database; without it they are in the folder."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *flags: str,
        prefix: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.environ = {**self.rows_of(folder), **environ, "COGHUB_DATA": str(folder)}
        self.flags = flags
        self.prefix = prefix
        """What runs the command, such as a shell that sets a limit."""
        self.log = ""
        self._has_grown = threading.Condition()
        self.token = ""
        """Of the administrator that the first start on a folder makes."""
        self.administrator = ""
        self._start("0")

    @classmethod
    def rows_of(cls, folder: Path) -> dict[str, str]:
        """Return the setting that says where a data folder's rows are; none if they are in it."""
        return {} if cls.database_of is None else {"COGHUB_DATABASE": cls.database_of(folder)}

    def _start(self, port: str) -> None:
        reading, writing = os.pipe()
        flags = ["--port", port, "--ready-fd", str(writing), *self.flags]
        self.process = subprocess.Popen(
            [*self.prefix, COGHUB, "up", *flags],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[writing],
        )
        os.close(writing)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        with os.fdopen(reading) as pipe:
            self.address = pipe.readline().strip()  # nothing, if it ends before it is ready
        if not self.address:
            self.kill()
            raise AssertionError(f"`coghub up` ended:\n{self.log}")
        self.port = int(self.address.rpartition(":")[2])
        self.wait_for_log(f"Listening on {self.address}\n")
        self._note_login()

    def _note_login(self) -> None:
        """Take what the first start says of its administrator; a restored hub says nothing."""
        said = re.search(r"administrator: (.+)\nIts token, shown this once: (.+)\n", self.log)
        if said:
            self.administrator, self.token = said.groups()

    def _read(self) -> None:
        """Keep the log; its end is the end of the process."""
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                with self._has_grown:
                    self.log += line
                    self._has_grown.notify_all()
        with self._has_grown:
            self._has_grown.notify_all()

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        """Wait until the log has a text, and return it."""
        with self._has_grown:
            is_there = self._has_grown.wait_for(lambda: re.search(pattern, self.log), START_S)
        assert is_there, f"No `{pattern}` in the log:\n{self.log}"
        return is_there

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> str:
        """Run a command of `coghub` beside the hub, and return what it wrote to stdout."""
        done = subprocess.run(
            [COGHUB, *arguments],
            env={**self.environ, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def get(self, path: str, *, token: str | None = None) -> Any:
        """Return the JSON at a path of the API."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        request = urllib.request.Request(f"{self.address}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=START_S) as response:
            return json.load(response)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and return its exit status."""
        self.process.send_signal(number)
        return self._end()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self._end()

    def restart(self) -> None:
        """Start again where a process has ended: the same folder, address and token."""
        self._start(str(self.port))

    def _end(self) -> int:
        try:
            return self.process.wait(STOP_S)
        finally:
            self.process.kill()
            self._reader.join(STOP_S)
