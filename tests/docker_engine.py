"""A real Docker engine for tests: the one that answers, else a private one, else a reason to skip.

A private engine is shared by all processes that test at the same time. Each holds a lock while it
uses it; who finds at its end that nobody else does stops it. One that a killed run has left is
used by the next. No image is fetched: the base image is made by debootstrap, once, and kept.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from coghub.settings import current_settings

ENVIRON = current_settings().environ
BASE = "python:3.11-slim"
"""The official name, so that nothing needs to know where it came from."""
RECIPE = "bookworm-1"
"""Names the kept base image: another recipe is another image."""
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
LABEL = "run.coghub.container"
"""Of containers that commands start; its value says whose it is."""
ROOM_BYTES = 256 * 1024**2
"""More than the builds of all tests write into BuildKit's book."""
START_S = 30.0
STOP_S = 30.0


@dataclass(frozen=True)
class Engine:
    """An engine that answers, and has the base image."""

    host: str | None
    """For DOCKER_HOST; None is the default one."""
    config: Path
    """For DOCKER_CONFIG: nothing is read of, or written to, the user's own."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """`buildkit` and `classic` → a `docker` command that builds so; one may be missing."""

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to use it."""
        own = {"DOCKER_CONFIG": str(self.config), "COG_BASE_IMAGE": BASE, "COG_ENGINE": "docker"}
        return {**own, "DOCKER_HOST": self.host} if self.host else own

    def run(self, *arguments: str, given: bytes | None = None) -> str:
        """Run `docker` to its end, and return what it printed."""
        done = subprocess.run(
            [_docker(), *arguments],
            env={**ENVIRON, **self.environ},
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"docker {arguments}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def containers(self, label: str) -> list[str]:
        """Return the names of all containers with a label, running or not."""
        shown = ["ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}"]
        return self.run(*shown).split()

    def left_behind(self) -> list[str]:
        """Return the containers of commands that have ended; others may test at the same time."""
        shown = f'{{{{.Names}}}} {{{{.Label "{LABEL}"}}}}'
        lines = self.run("ps", "--all", "--filter", f"label={LABEL}", "--format", shown)
        words = [line.split() for line in lines.splitlines()]
        return [name for name, *_, pid, _ in words if not Path("/proc", pid).exists()]

    def has(self, image: str) -> bool:
        """Tell whether an image is there."""
        return bool(self.run("images", "--quiet", image))


def _docker() -> str:
    found = shutil.which("docker")
    assert found is not None
    return found


@contextmanager
def engine(config: Path) -> Generator[Engine | str]:
    """Yield an engine to test with; a text says why there is none."""
    if shutil.which("docker") is None:
        yield "no `docker` command"
    elif _answers(ENVIRON):
        yield _with_base(Engine(None, config, _programs()))
    elif os.geteuid() != 0:
        yield "no Docker engine answers, and only root may start one"
    elif shutil.which("dockerd") is None or shutil.which("ip") is None:
        yield "no Docker engine answers, and there is no `dockerd` with `ip` to start one"
    else:
        folder = _folder()
        with _shared(folder / "users.lock"):
            host = _private(folder)
            yield _with_base(Engine(host, config, _programs()))
        _stop_unless_used(folder)


def _folder() -> Path:
    cache = Path(ENVIRON.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "coghub-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _answers(environ: Mapping[str, str]) -> bool:
    command = [_docker(), "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 0


def _programs() -> dict[str, str]:
    """Return the commands on PATH by how they build; before 23 they bring BuildKit along."""
    found = dict[str, str]()
    for folder in ENVIRON.get("PATH", "").split(os.pathsep):
        program = str(Path(folder, "docker"))
        if os.access(program, os.X_OK):
            said = subprocess.run(
                [program, "--version"], capture_output=True, text=True, check=False
            )
            is_old = int((said.stdout.partition("version ")[2].partition(".")[0]) or 0) < 23
            has_buildx = not subprocess.run(
                [program, "buildx", "version"], capture_output=True, check=False
            ).returncode
            found.setdefault("buildkit" if is_old or has_buildx else "classic", program)
    return found


@contextmanager
def _shared(path: Path) -> Generator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def _exclusive(path: Path) -> Generator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _private(folder: Path) -> str:
    """Return the address of the private engine, started now unless it runs."""
    host = f"unix://{folder}/docker.sock"
    with _exclusive(folder / "start.lock"):
        if not _answers({**ENVIRON, "DOCKER_HOST": host}):
            _end(folder)
            _start(folder, host)
            _give_room(folder)
            _start(folder, host)
    return host


def _give_room(folder: Path) -> None:
    """Stop the engine, and make the file of BuildKit's book as large as it will ever be.

    Before 23.0 BuildKit reads the book where the database has mapped it into memory, also while
    the database maps it anew because it has grown: then the whole engine dies
    (moby/buildkit#2861). A file with room, which takes no space, is mapped once.
    """
    _stop(folder)
    book = folder / "data" / "buildkit" / "metadata_v2.db"
    if book.exists():
        os.truncate(book, ROOM_BYTES)


def _start(folder: Path, host: str) -> None:
    parts = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    command = ["dockerd", *parts, "--bridge", _bridge(folder)]
    with (folder / "dockerd.log").open("wb") as log:
        # Nobody's child, so that whoever stops it needs not have started it.
        subprocess.run(
            ["setsid", "--fork", *command, "--host", host, "--pidfile", str(folder / "pid")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
    deadline = time.monotonic() + START_S
    while not _answers({**ENVIRON, "DOCKER_HOST": host}):
        if time.monotonic() > deadline:
            said = (folder / "dockerd.log").read_text("utf-8", "replace")[-2000:]
            raise AssertionError(f"dockerd does not answer:\n{said}")
        time.sleep(0.1)


def _stop_unless_used(folder: Path) -> None:
    with _exclusive(folder / "start.lock"), (folder / "users.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _end(folder)


def _bridge(folder: Path) -> str:
    """Make a bridge of the engine's own, and return its name.

    A container that another engine runs, or has left, can then have no address that ours gives.
    """
    name = _bridge_name(folder)
    third, fourth, *rest = hashlib.sha256(str(folder).encode()).digest()[:6]
    # Without one of its own the bridge takes the lowest of its ports' addresses, which changes with
    # each new container: those that know it already are cut off until they ask again.
    mac = ":".join(f"{number:02x}" for number in (2, third, fourth, *rest[:3]))
    if not Path("/sys/class/net", name).exists():
        _ip("link", "add", name, "address", mac, "type", "bridge")
        _ip("address", "add", f"10.{third}.{fourth}.1/24", "dev", name)
        _ip("link", "set", name, "up")
    return name


def _bridge_name(folder: Path) -> str:
    return f"cog{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _end(folder: Path) -> None:
    """End the private engine, if it runs, and remove all that it kept."""
    _stop(folder)
    _end_containers(folder)
    if Path("/sys/class/net", _bridge_name(folder)).exists():
        _ip("link", "delete", _bridge_name(folder))
    for part in ("data", "exec"):
        shutil.rmtree(folder / part, ignore_errors=True)


def _end_containers(folder: Path) -> None:
    """End what an engine that was killed has left: its helpers, and what ran in its containers."""
    helped, held = os.fsencode(folder / "exec"), os.fsencode(folder / "data")
    ours = Path("/proc/self/ns/mnt").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_helper = helped in (process / "cmdline").read_bytes()
            is_inside = (process / "ns" / "mnt").readlink() != ours
            if is_helper or (is_inside and held in (process / "mountinfo").read_bytes()):
                os.kill(int(process.name), signal.SIGKILL)
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((it for it in mounted if it.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


def _stop(folder: Path) -> None:
    """Stop the private engine, if it runs."""
    pid_file = folder / "pid"
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(pid_file.read_text())
        if "dockerd" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.1)
    pid_file.unlink(missing_ok=True)


def _with_base(found: Engine) -> Engine | str:
    """Return the engine with the base image in it, or why that cannot be."""
    if found.has(BASE):
        return found
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        return f"the engine has no {BASE}, and there is no debootstrap to make one"
    folder = _folder()
    with _exclusive(folder / "base.lock"):
        kept = folder / f"base-{RECIPE}.tar"
        if not kept.exists():
            _make_base(kept)
        if not found.has(BASE):
            changes = [f"--change=ENV PATH={PATH}", '--change=CMD ["python3"]']
            found.run("import", *changes, str(kept), BASE)
    return found


def _make_base(target: Path) -> None:
    """Make a small Debian with Python 3.11, with this machine's certificates."""
    root, new = target.with_suffix(".root"), target.with_suffix(".new")
    shutil.rmtree(root, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)]
    subprocess.run(command, check=True, capture_output=True)
    (root / "usr/bin/python").symlink_to("python3.11")
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*"):
        for path in root.glob(pattern):
            path.unlink() if path.is_file() else shutil.rmtree(path)
    subprocess.run(["tar", "--create", f"--file={new}", f"--directory={root}", "."], check=True)
    new.rename(target)
    shutil.rmtree(root)
