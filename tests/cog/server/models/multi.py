"""A synchronous model that does whatever a test asks for."""

import collections
import ctypes
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path as PlainPath
from typing import Any

from cog import BasePredictor, CancelationException, Input, Path, current_scope


class Predictor(BasePredictor):
    def setup(self):
        print("setting up")
        self.calls = 0

    def predict(
        self,
        action: str = Input(default="echo"),
        text: str = Input(default=""),
        count: int = Input(default=1, ge=0),
        choice: str = Input(default="a", choices=["a", "b"]),
        file: Path = Input(default=None),
        files: list[Path] = Input(default=None),
        maybe: int | None = Input(description="nullable without a default"),
    ) -> Any:
        self.calls += 1
        self.inputs = {"text": text, "count": count, "file": file, "files": files, "maybe": maybe}
        return getattr(self, action)(**{"text": text, "count": count})

    def echo(self, text, count):
        return text

    def number_of_calls(self, text, count):
        return self.calls

    def say(self, text, count):
        print(text)
        print(text.upper(), file=sys.stderr)
        return text

    def fail(self, text, count):
        print("before")
        raise ValueError(text)

    def leave(self, text, count):
        sys.exit(count)

    def leave_at_once(self, text, count):
        print("last words", flush=True)
        os._exit(count)

    def be_killed(self, text, count):
        os.kill(os.getpid(), signal.SIGKILL)

    def sleep(self, text, count):
        print("sleeping", flush=True)
        time.sleep(60)

    def never_return(self, text, count):
        """Print from inside the call, so that it can be canceled only while it runs."""
        endless = itertools.chain(map(os.write, [1], [b"sleeping\n"]), itertools.repeat(0))
        collections.deque(endless, maxlen=0)

    def stubborn(self, text, count):
        while True:
            try:
                os.write(1, b"sleeping\n")
                time.sleep(60)
            except CancelationException:
                print("swallowed", flush=True)

    def flee(self, text, count):
        """Leave behind a daemon in a session of its own, then never return."""
        daemon = [sys.executable, "-c", "import time; time.sleep(600)"]
        code = (
            "import subprocess;"
            f"daemon = subprocess.Popen({daemon}, start_new_session=True);"
            "print('daemon', daemon.pid)"
        )
        subprocess.run([sys.executable, "-c", code], start_new_session=True, check=True)
        self.never_return(text, count)

    def print_much(self, text, count):
        line = "x" * 1023 + "\n"
        for _ in range(count):
            sys.stdout.write(line)
        return "printed"

    def close_streams(self, text, count):
        os.close(1)
        os.close(2)
        return "closed"

    def fork(self, text, count):
        if os.fork() == 0:
            time.sleep(600)
        return "forked"

    def print_everywhere(self, text, count):
        print("python")
        subprocess.run(["/bin/echo", "child"], check=True)
        ctypes.CDLL(None).puts(b"library")
        os.write(1, b"descriptor\n")
        return "printed"

    def measure(self, text, count):
        scope = current_scope()
        scope.record_metric("timing.load", 0.5)
        scope.record_metric("tokens", 1)
        scope.record_metric("tokens", 2, mode="incr")
        scope.record_metric("steps", "a", mode="append")
        scope.record_metric("steps", "b", mode="append")
        scope.record_metric("gone", 1)
        scope.metrics.delete("gone")
        return dict(scope.context)

    def read_file(self, text, count):
        path = self.inputs["file"]
        return {"path": str(path), "content": path.read_bytes().decode("latin-1")}

    def read_files(self, text, count):
        return [path.read_text() for path in self.inputs["files"]]

    def show_inputs(self, text, count):
        return {name: None if it is None else str(it) for name, it in self.inputs.items()}

    def write_file(self, text, count):
        path = PlainPath(os.environ["MODEL_FOLDER"]) / text
        path.write_text("content of " + text)
        return path

    def write_files(self, text, count):
        return (self.write_file(f"{number}.txt", count) for number in range(count))

    def write_nested(self, text, count):
        return {"picture": self.write_file("nested.png", 1), "text": text}

    def missing_file(self, text, count):
        return PlainPath("/nowhere/at-all.txt")

    def unserialisable(self, text, count):
        return {"value": object()}

    def half_character(self, text, count):
        return "\ud800 is half a character"

    def large_number(self, text, count):
        return 2**80

    def large_text(self, text, count):
        return "y" * count
