"""Runs versions in containers: images as they are, bundles as images that are built of them once.

A container has no rights that it does not need, what its hardware allows, and a network on which
it reaches the hub's second listener. It carries the hub's id: what a hub that was killed left
behind is removed at its next start.
"""

import asyncio
import secrets
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

from coghub.build.docker.client import Docker, find_docker
from coghub.build.docker.container import SERVER_PORT, ContainerSpec, Limits, Mount
from coghub.build.docker.image import Image
from coghub.build.events import Event, Progress
from coghub.domain.errors import CoghubError
from coghub.domain.hardware import Limit
from coghub.domain.instance import Stage
from coghub.domain.model import Version
from coghub.executors.base import Executor, InstanceSpec, Tell
from coghub.executors.docker_image import VersionImages
from coghub.executors.docker_instance import DockerInstance, start_container
from coghub.executors.docker_network import ensure_network
from coghub.executors.own_thread import in_own_thread
from coghub.hub_settings import HubSettings
from coghub.settings import Settings
from coghub.storage.storage import Storage

HUB = "run.coghub.hub"
"""Label of a hub's containers, network and volumes; its value is the hub's id."""
ID_FILE = "docker-id"
HOME = "/home/model"
MAX_PROCESSES = 4096
"""Threads count too, and libraries for numbers begin many."""
SERVER = ("python", "-m", "cog.server.http")

LOG_LEVEL = "warning"
NO_LIMIT = Limit()


class DockerExecutor(Executor):
    """Starts instances in containers of one engine."""

    name = "docker"

    def __init__(self, settings: Settings, hub: HubSettings, storage: Storage) -> None:
        self._settings = settings
        self._hub = hub
        self._storage = storage
        self._folder = hub.data / "docker"

    async def connect(self) -> str:
        """Make the hub's network, and return this machine's address on it; see `Executor`."""
        return await asyncio.to_thread(self._connect)

    def _connect(self) -> str:
        self._docker.require_engine()
        self._folder.mkdir(exist_ok=True)
        return ensure_network(
            self._docker,
            self._network,
            label=f"{HUB}={self._id}",
            is_internal=self._hub.docker_network == "none",
        )

    def refusal_of(self, version: Version) -> str | None:
        """Bundles and images both run; see `Executor`."""
        del version

    async def tidy(self, version_ids: Collection[str]) -> None:
        """Remove this hub's containers, and images of versions that are gone; see `Executor`."""
        await asyncio.to_thread(self._tidy, frozenset(version_ids))

    def _tidy(self, version_ids: Collection[str]) -> None:
        with suppress(CoghubError):  # a start tells what is wrong with the engine
            mine = ["ps", "--all", "--quiet", "--filter", f"label={HUB}={self._id}"]
            containers = self._docker.ask(mine).split()
            if containers:
                self._docker.ask(["rm", "--force", "--volumes", *containers])
            self._images.tidy(version_ids)

    async def start(self, spec: InstanceSpec, tell: Tell) -> DockerInstance:
        """Bring the image, and run it; see `Executor`."""
        loop = asyncio.get_running_loop()
        stage = Stage.BUILDING if spec.version.is_bundle else Stage.FETCHING

        def report(event: Event) -> None:
            if not isinstance(event, Progress):
                loop.call_soon_threadsafe(tell, stage, f"{event.text}\n")

        tell(stage, "")
        image = await in_own_thread(lambda: self._images.ensure(spec, report), unwanted=_nothing)
        tell(Stage.BOOTING, "")
        # Servers of others say what setup prints in this way only.
        printed = None if image.is_ours else partial(tell, Stage.SETUP)
        instance = await start_container(self._docker, self._container(spec, image), printed)
        try:
            await instance.found(self._network, SERVER_PORT)
        except BaseException:
            await instance.stop(grace_s=1)
            raise
        return instance

    def _container(self, spec: InstanceSpec, image: Image) -> ContainerSpec:
        told = {"COG_LOG_LEVEL": LOG_LEVEL, "LOG_FORMAT": "console", "HOME": HOME}
        volume = f"{self._network}-{spec.version.model_id}"
        return ContainerSpec(
            image=image.id,
            name=f"{self._network}-{spec.id[:12]}",
            command=_command(spec, is_ours=image.is_ours),
            environment={**told, **spec.variables, **spec.server_variables},
            labels={HUB: self._id},
            mounts=(Mount(volume, HOME, is_volume=True),),
            network=self._network,
            gpus=f"device={','.join(spec.gpu_ids)}" if spec.gpu_ids else None,
            has_init=image.has_init,
            is_removed=False,
            limits=self._limits(spec.hardware),
        )

    def _limits(self, hardware: str) -> Limits:
        limit = self._hub.hardware_limits.get(hardware, NO_LIMIT)
        return Limits(
            cpus=limit.cpus,
            memory_bytes=limit.memory_bytes,
            processes=MAX_PROCESSES,
            is_read_only=self._hub.is_root_read_only,
            drops_rights=True,
        )

    @cached_property
    def _docker(self) -> Docker:
        return find_docker(self._settings)

    @cached_property
    def _id(self) -> str:
        """Tell this hub's containers from those of others on the same engine."""
        path: Path = self._hub.data / ID_FILE
        with suppress(FileNotFoundError):
            return path.read_text("ascii").strip()
        made = secrets.token_hex(8)
        path.write_text(made, "ascii")
        return made

    @property
    def _network(self) -> str:
        return f"coghub-{self._id}"

    @cached_property
    def _images(self) -> VersionImages:
        return VersionImages(
            self._docker, self._settings, self._storage, self._folder, f"coghub-{self._id}"
        )


def _command(spec: InstanceSpec, *, is_ours: bool) -> tuple[str, ...]:
    """Return what is run in a container; nothing stands for the image's own command."""
    train = ("--x-mode", "train") if spec.is_training else ()
    if is_ours:
        return (*SERVER, "--upload-url", spec.upload_url, *train)
    return (*SERVER, *train) if train else ()


def _nothing(_: Image) -> None:
    """Leave the image that was made: the next start finds it."""
