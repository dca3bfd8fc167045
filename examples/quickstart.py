"""The whole road, on this machine: a hub, three models, and the official client.

`make quickstart` runs it. It starts a hub, makes the account `alice`, pushes three of the examples
as alice, and runs them as any user of the hub would. The hub goes on running; with `--once` it is
stopped. Run again, it finds what it made before.

The examples ask for Python 3.12. Where that is not on the machine and cannot be installed, they
run on the Python of .venv instead, by a copy of their cog.yaml: their pins fit 3.11 to 3.14.
"""

import argparse
import fcntl
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from coghub.build.interpreters import Interpreters
from coghub.domain.errors import InterpreterNotFound
from coghub.settings import current_settings

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
SCRIPTS = Path(sys.executable).parent
KEPT = ROOT / ".quickstart"
"""The data folder where none is given: found again by the next run, removed by `make clean`."""
PORT = 5100
"""Taken if it is free, so that the address is the same after a restart."""
CONFIG = "cog.local.yaml"
RESIZE = """\
>>> output = replicate.run("alice/resize:…", input={"image": open("input.jpg", "rb")})
>>> open("output.png", "wb").write(output.read())"""
OCR = """\
>>> output = replicate.run("alice/ocr:…", input={"image": open("scan.png", "rb")})
>>> print(output["text"])"""


class Hub:
    """A hub in a data folder: one that runs already, or one that is started."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.own = data / "quickstart"
        """What this script keeps: its notes, the hub's log, and alice's logins."""
        self.log = self.own / "hub.log"
        self.note = self.own / "hub.json"
        self.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.environ = {
            **os.environ,
            "PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}",
            "COGHUB_DATA": str(data),
            "COG_DATA_DIR": str(self.own),  # your own logins stay as they are
            "DOCKER_CONFIG": str(self.own / "docker"),
            "COG_ENGINE": "local",
        }
        running = self._running()
        self.is_new = running is None
        self.pid, self.address = running or self._start()

    def _running(self) -> tuple[int, str] | None:
        """Return the process and address of a hub that was started before, if it answers."""
        try:
            note = json.loads(self.note.read_text())
            os.kill(note["pid"], 0)  # raises, if there is no such process
            urllib.request.urlopen(f"{note['address']}/v1/account", timeout=10)  # noqa: S310 - http
        except urllib.error.HTTPError:  # it asks who we are
            say(f"A hub runs already: {note['address']}")
            return note["pid"], note["address"]
        except (OSError, ValueError, KeyError):
            pass
        return None

    def _start(self) -> tuple[int, str]:
        port = str(PORT if is_free(PORT) else 0)
        say(f"$ coghub up --data {shown(self.data)} --port {port} &")
        reading, writing = os.pipe()
        command = [SCRIPTS / "coghub", "up", "--port", port, "--ready-fd", str(writing)]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[writing],
                start_new_session=True,  # Ctrl-C in this terminal is not for the hub
            )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            address = pipe.readline().strip()  # nothing, if the hub ends before it is ready
        if not address:
            process.wait()
            sys.exit(f"The hub did not start:\n{self.log.read_text()}")
        self.note.write_text(json.dumps({"pid": process.pid, "address": address}))
        print(f"Listening on {address}")
        return process.pid, address

    def run(self, *command: str, folder: Path = ROOT, stdin: str | None = None) -> str:
        """Run a command as a user would type it, and return what it printed on stdout."""
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environ,
            input=stdin,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"error: `{shlex.join(command)}` failed; the hub's log is {shown(self.log)}")
        return done.stdout

    def token_of(self, name: str) -> str:
        """Return a new token of an account, which is made if it is not there."""
        accounts = json.loads(self.run("coghub", "user", "list", "--json"))
        if name not in {account["name"] for account in accounts}:
            say(f"$ coghub user create {name}")
            self.run("coghub", "user", "create", name)
        say(f"$ coghub token create {name} | cog login --token-stdin {self.address}")
        token = self.run("coghub", "token", "create", name).strip()
        self.run("cog", "login", "--token-stdin", self.address, stdin=token)
        return token

    def push(self, name: str) -> str:
        """Push an example as a model of alice, and return the version's name for the client."""
        say(f"$ cd examples/{name} && cog push alice/{name}")
        config = ["-f", CONFIG] if (EXAMPLES / name / CONFIG).exists() else []
        said = self.run("cog", "push", *config, f"alice/{name}", folder=EXAMPLES / name)
        [version] = re.findall(r"sha256:([0-9a-f]{64})", said)
        return f"alice/{name}:{version}"

    def stop(self) -> None:
        """Stop the hub, and wait until it has: then its data folder is free."""
        os.kill(self.pid, signal.SIGTERM)
        with suppress(FileNotFoundError), (self.data / "hub.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)


def main() -> None:
    """Read what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="the hub's data folder")
    parser.add_argument("--once", action="store_true", help="stop the hub at the end")
    options = parser.parse_args()

    prepare_examples()
    if options.once and not options.data:
        with TemporaryDirectory(prefix="quickstart-") as folder:
            walk(Path(folder), is_once=True)
    else:
        walk((options.data or KEPT).absolute(), is_once=options.once)


def walk(data: Path, *, is_once: bool) -> None:
    """Start a hub, push to it, use it."""
    hub = Hub(data)
    try:
        token = hub.token_of("alice")
        versions = {name: hub.push(name) for name in ("hello-world", "resize", "ocr")}
        run_models(hub.address, token, versions)
    except BaseException as error:
        if hub.is_new:
            hub.stop()
        if isinstance(error, KeyboardInterrupt):
            say("Interrupted; the hub is stopped." if hub.is_new else "Interrupted.")
            sys.exit(130)
        raise
    if is_once:
        hub.stop()
        say("Done; the hub is stopped.")
    else:
        say_what_next(hub, token)


def run_models(address: str, token: str, versions: dict[str, str]) -> None:
    """Use the models as anybody would who has a token."""
    say(f"$ export REPLICATE_BASE_URL={address} REPLICATE_API_TOKEN=…")
    os.environ.update(REPLICATE_BASE_URL=address, REPLICATE_API_TOKEN=token)
    import replicate  # noqa: PLC0415 - it reads the two variables when it is imported

    say('>>> replicate.run("alice/hello-world:…", input={"text": "python"})')
    print(repr(replicate.run(versions["hello-world"], input={"text": "python"})))

    say(RESIZE)
    picture = EXAMPLES / "output.png"
    with (EXAMPLES / "resize" / "input.jpg").open("rb") as image:
        output = replicate.run(versions["resize"], input={"image": image})
    picture.write_bytes(output.read())
    print(f"The enlarged photograph: {shown(picture)}")

    say(OCR)
    with (EXAMPLES / "ocr" / "scan.png").open("rb") as image:
        output = replicate.run(versions["ocr"], input={"image": image})
    print(output["text"])
    marked = EXAMPLES / "output.ocr.png"
    marked.write_bytes(output["image"].read())
    print(f"The page with its lines marked: {shown(marked)}")


def prepare_examples() -> None:
    """Let the examples run on this Python where the one that they ask for cannot be had."""
    try:
        Interpreters(current_settings()).find("3.12")
    except InterpreterNotFound:
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        say(f"Python 3.12 is not here and cannot be installed: the examples run on {own}")
        for name in sorted(path.parent.name for path in EXAMPLES.glob("*/cog.yaml")):
            text = (EXAMPLES / name / "cog.yaml").read_text()
            (EXAMPLES / name / CONFIG).write_text(text.replace('"3.12"', f'"{own}"'))


def say_what_next(hub: Hub, token: str) -> None:
    say(f"""\
Done. The hub goes on: {hub.address}
  the model:     {hub.address}/alice/hello-world
                 sign in as alice, the password is the token: {token}
  its log:       {shown(hub.log)}
  to stop it:    kill {hub.pid}
  to start it:   .venv/bin/coghub up --data {shown(hub.data)}

Next:
  . .venv/bin/activate                       puts `cog` and `coghub` on your PATH
  echo {token} | cog login --token-stdin {hub.address}
  mkdir my-model && cd my-model && cog init  begins a model of your own: see README.md
  cog push alice/my-model                    gives it to others
  make test                                  runs everything that can be checked here""")


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def shown(path: Path) -> str:
    """Return the path as it is typed in the repository's folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
