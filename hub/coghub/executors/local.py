"""Runs bundles as processes of this machine, with the hub's own rights: no isolation.

1. The bundle's layers are unpacked, once for each version.
2. Its environment is made by uv in the cache folder, as `cog predict` makes it.
3. `python -m cog.server.http` is started there, on a Unix socket in the data folder.

An instance gets PATH, a HOME and a TMPDIR, and what cog.yaml and the model's owner set; of the
hub's own environment it gets nothing.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from coghub.build import file_lock, unpacking
from coghub.build.activation import activated, of_plan
from coghub.build.environment import Environment, Environments
from coghub.build.events import Event, Progress
from coghub.build.file_lock import Lock
from coghub.build.files import remove
from coghub.build.layers import ROOT
from coghub.build.plan import Plan, read_plan
from coghub.build.sdk import sdk_path
from coghub.domain.instance import Stage
from coghub.domain.model import Version
from coghub.executors.base import Executor, InstanceSpec, Tell
from coghub.executors.own_thread import in_own_thread
from coghub.executors.process import LocalInstance, start_process
from coghub.executors.version_blobs import version_layout
from coghub.settings import Settings
from coghub.storage.storage import Storage

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TRAIN = ("--x-mode", "train")
LOG_LEVEL = "warning"
"""Of an instance's server: what it does is the hub's to log."""
MAX_SOCKET_PATH_BYTES = 100
"""Of `sun_path`: 108 on Linux, 104 on macOS, with the ending zero."""


class LocalExecutor(Executor):
    """Starts instances on this machine."""

    name = "local"

    def __init__(self, settings: Settings, storage: Storage, folder: Path) -> None:
        self._settings = settings
        self._storage = storage
        self._folder = folder

    async def connect(self) -> str:
        """Instances are processes of this machine; see `Executor`."""
        return "127.0.0.1"

    def refusal_of(self, version: Version) -> str | None:
        """Return why a version cannot run here; see `Executor`."""
        if version.is_bundle:
            return None
        return "This hub runs bundles only, and the version is an image (see `executor`)"

    async def tidy(self, version_ids: Collection[str]) -> None:
        """Remove folders of instances and versions that are gone; see `Executor`."""
        await asyncio.to_thread(self._tidy, frozenset(version_ids))

    def _tidy(self, version_ids: Collection[str]) -> None:
        shutil.rmtree(self._folder / "run", ignore_errors=True)
        shutil.rmtree(self._folder / "fetched", ignore_errors=True)
        projects = self._folder / "projects"
        gone = {path.name.removesuffix(".lock") for path in projects.glob("*")} - set(version_ids)
        for name in gone:
            remove(projects / name)
            (projects / f"{name}.lock").unlink(missing_ok=True)

    async def start(self, spec: InstanceSpec, tell: Tell) -> LocalInstance:
        """Unpack, make the environment, start the server; see `Executor`."""
        tell(Stage.FETCHING, "")
        project, plan = await in_own_thread(lambda: self._fetched(spec), unwanted=_nothing)
        tell(Stage.BUILDING, "")
        environment = await self._environment(plan, project, tell)
        try:
            tell(Stage.BOOTING, "")
            return await self._started(spec, project, plan, environment)
        except BaseException:
            environment.release()
            raise

    def _fetched(self, spec: InstanceSpec) -> tuple[Path, Plan]:
        project = self._unpacked(spec)
        return project, read_plan(project)

    def _unpacked(self, spec: InstanceSpec) -> Path:
        """Return the bundle's project folder, made once; an instance that starts beside waits."""
        folder = self._folder / "projects" / spec.version.id
        if not folder.exists():
            lock: Lock = file_lock.wait_exclusive(folder.with_name(f"{spec.version.id}.lock"))
            try:
                if not folder.exists():
                    self._unpack(spec, folder)
            finally:
                lock.release()
        return folder / ROOT

    def _unpack(self, spec: InstanceSpec, folder: Path) -> None:
        manifest, fetched = dict(spec.manifest), self._folder / "fetched" / spec.version.id
        with version_layout(self._storage, manifest, fetched) as layout:
            unpacking.unpack(layout, manifest, folder)

    async def _environment(self, plan: Plan, project: Path, tell: Tell) -> Environment:
        loop = asyncio.get_running_loop()

        def report(event: Event) -> None:
            if not isinstance(event, Progress):
                loop.call_soon_threadsafe(tell, Stage.BUILDING, f"{event.text}\n")

        environments = Environments(self._settings)
        return await in_own_thread(
            lambda: environments.ensure(plan, project, report), unwanted=Environment.release
        )

    async def _started(
        self, spec: InstanceSpec, project: Path, plan: Plan, environment: Environment
    ) -> LocalInstance:
        place = self._place(spec)
        command = [str(environment.python), "-m", "cog.server.http"]
        command += ["--unix-socket", str(place.socket), "--upload-url", spec.upload_url]
        command += TRAIN if spec.is_training else ()
        return await start_process(
            command,
            folder=project,
            environ=self._environ(spec, plan, environment, place),
            socket=place.socket,
            clean_up=lambda: _clean_up(place, environment),
        )

    def _place(self, spec: InstanceSpec) -> "_Place":
        home = self._folder / "homes" / str(spec.version.model_id)
        home.mkdir(parents=True, exist_ok=True)
        own = self._folder / "run" / spec.id[:12]
        own.mkdir(parents=True, exist_ok=True)
        socket = own / "socket"
        if len(os.fsencode(socket)) > MAX_SOCKET_PATH_BYTES:
            socket = Path(mkdtemp(prefix="coghub-")) / "socket"
        temporary = own / "tmp"
        temporary.mkdir(exist_ok=True)
        return _Place(home, own, temporary, socket)

    def _environ(
        self, spec: InstanceSpec, plan: Plan, environment: Environment, place: "_Place"
    ) -> Mapping[str, str]:
        base = {"PATH": PATH, "HOME": str(place.home), "TMPDIR": str(place.temporary)}
        sdk = sdk_path(self._settings)
        gpus = {"CUDA_VISIBLE_DEVICES": ",".join(spec.gpu_ids)}
        return {
            **activated({**base, "LANG": "C.UTF-8"}, environment=environment.folder, sdk=sdk),
            **of_plan(plan, server_python=sys.executable, log_level=LOG_LEVEL),
            **spec.variables,
            **gpus,
            **spec.server_variables,
        }


@dataclass(frozen=True, slots=True)
class _Place:
    """Folders of one instance; the HOME is shared by all of a model, for what they download."""

    home: Path
    own: Path
    temporary: Path
    socket: Path


def _clean_up(place: _Place, environment: Environment) -> None:
    environment.release()
    shutil.rmtree(place.own, ignore_errors=True)
    if not place.socket.is_relative_to(place.own):
        shutil.rmtree(place.socket.parent, ignore_errors=True)


def _nothing(_: object) -> None:
    """Leave what was unpacked: the next start finds it."""
