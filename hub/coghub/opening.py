"""Where a hub's parts are made and joined: from a data folder, for the server and for commands.

The server alone claims the folder; commands open it beside a running hub.
"""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from coghub.accounts.accounts import Accounts
from coghub.accounts.deliveries import Deliveries
from coghub.accounts.passwords import Passwords
from coghub.accounts.sessions import Sessions
from coghub.accounts.webhook_secret import WebhookSecrets
from coghub.build import file_lock
from coghub.database import hubs as hub_rows
from coghub.database import place as rows_place
from coghub.database.database import Database, open_database
from coghub.database.encryption import read_box
from coghub.database.migrate import migrate
from coghub.deployments.deployments import Deployments
from coghub.deployments.room import KeptRoom
from coghub.domain.clock import Clock, utc_now
from coghub.domain.errors import DataFolderBusy, HubsDiffer, StorageUnusable
from coghub.domain.live import Live
from coghub.domain.signals import Signals
from coghub.executors.hardware import find_hardware
from coghub.files.files import Files
from coghub.files.place import claim_storage
from coghub.files.prediction_files import PredictionFiles
from coghub.hub_settings import HubSettings
from coghub.models.access import Access
from coghub.models.catalog import Catalog
from coghub.models.collections import Collections
from coghub.models.deletion import Deletion
from coghub.models.models import Models
from coghub.models.sharing import Sharing
from coghub.models.variables import Variables
from coghub.parts import Hub
from coghub.peers.peers import Here, Peers
from coghub.predictions.examples import Examples
from coghub.predictions.predictions import Predictions
from coghub.predictions.removal import Removal
from coghub.s3_settings import read_s3_access
from coghub.settings import current_settings
from coghub.storage.local import local_storage, shared_folder
from coghub.storage.s3 import owner_of, s3_storage
from coghub.storage.s3_access import s3_place
from coghub.storage.storage import Storage, make_folder
from coghub.trainings.trainings import Trainings

DATABASE = "hub.db"
KEY_FILE = "key"
PLACE = "storage-place"
"""The file that says in which bucket or folder objects are, if they are not beside it."""
LOCK = "hub.lock"
CLAIMS = 10
CLAIM_PAUSE_S = 0.02
"""A claim is tried again: a command that asks whether a hub runs has the lock for a moment."""
PRIVATE = 0o700
"""Rights of the data folder: it holds tokens' hashes, secrets, and the sockets of instances."""


@asynccontextmanager
async def open_hub(
    settings: HubSettings, *, is_claimed: bool = False, now: Clock = utc_now
) -> AsyncGenerator[Hub]:
    """Open a data folder; may be done beside a running hub.

    Args:
        settings: of the hub.
        is_claimed: this process has claimed the folder.
        now: the clock.

    Raises:
        DatabaseElsewhere: if its rows are not where the settings say.
        DatabaseInUse: if a hub of an older version runs on it.
        DatabaseUnknown: if a newer version of coghub has changed it.
        DatabaseUnusable: if its file cannot be opened, or is damaged.
        StorageUnusable: if it is claimed, and its objects' place cannot be used.
        DatabaseUnreachable: if its server cannot be used.
        HubsDiffer: if it is claimed, and its secrets are encrypted by another key.
    """
    folder = settings.data
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    folder.chmod(PRIVATE)
    path = folder / DATABASE
    database = open_database(settings.database, path, is_durable=settings.is_durable)
    try:
        await _prepared(database, settings, is_claimed=is_claimed)
        access = Access(database, allow_anonymous=settings.allow_anonymous)
        storage, box = storage_of(settings), read_box(folder / KEY_FILE)
        if is_claimed:
            key = (folder / KEY_FILE).read_bytes()
            if settings.database is not None:
                await _require_same_key(database, key)
            await claim_storage(storage, database, place=settings.storage, key=key)
            note_place(folder, settings.storage)
        prediction_files = PredictionFiles(database, storage, now)
        signals, catalog = Signals(), Catalog(database)
        predictions = Predictions(
            database, catalog, signals, box, settings, now, files=prediction_files
        )
        files = Files(database, storage, now, settings.file_expiry_s)
        models = Models(database, access, catalog, now)
        hardware = find_hardware(cpu_instances=settings.cpu_instances)
        place = place_of(folder)
        here = Here(place, settings.storage or place, hardware)
        peers = Peers(database, database.bus(), here, now)
        yield Hub(
            settings=settings,
            database=database,
            storage=storage,
            box=box,
            signals=signals,
            now=now,
            accounts=Accounts(database, now),
            passwords=Passwords(database, now=now),
            sessions=Sessions(database, now),
            deliveries=Deliveries(database, now),
            access=access,
            collections=Collections(database, access, now),
            models=models,
            sharing=Sharing(database, now),
            deletion=Deletion(database, storage, access, signals, now),
            variables=Variables(database, box, now),
            webhook_secrets=WebhookSecrets(database, box),
            catalog=catalog,
            predictions=predictions,
            trainings=Trainings(predictions, access),
            examples=Examples(database, predictions, now),
            deployments=Deployments(
                database, models, KeptRoom(lambda: peers.hardware), signals, now
            ),
            removal=Removal(database, prediction_files, files),
            files=files,
            prediction_files=prediction_files,
            own_hardware=hardware,
            peers=peers,
            live=Live(),
        )
    finally:
        await database.close()


def storage_of(settings: HubSettings) -> Storage:
    """Return where a hub's objects are; an object store is not asked anything yet.

    Raises:
        StorageUnusable: if the settings name another place than that, or a folder is not there.
    """
    folder, place = settings.data / "storage", settings.data / PLACE
    known = place.read_text("utf-8").strip() if place.is_file() else None
    if known not in {None, settings.storage}:
        raise StorageUnusable(
            f"The objects of this hub are in {known}, and not in "
            f"{settings.storage or 'the data folder'}",
            hint=f"Set `COGHUB_STORAGE={known}`, or move them and remove {place}",
        )
    if settings.storage is None:
        return local_storage(folder)
    if settings.storage.startswith("/"):
        return shared_folder(Path(settings.storage), is_marked=known is not None)
    access = read_s3_access(current_settings().environ)
    return s3_storage(s3_place(settings.storage), access, make_folder(folder / "incoming"))


def note_place(folder: Path, storage: str | None) -> None:
    """Write down where a hub's objects are, if elsewhere: without them its rows mean little."""
    if storage is not None:
        (folder / PLACE).write_text(f"{storage}\n", encoding="utf-8")


async def _prepared(database: Database, settings: HubSettings, *, is_claimed: bool) -> None:
    folder = settings.data

    def is_in_use() -> bool:
        if is_claimed:
            return database.is_claimed(beside_me=True)
        return is_served(folder) or database.is_claimed()

    try:
        await rows_place.require_rows(database, folder / DATABASE, settings.database)
        if is_claimed:
            await asyncio.to_thread(database.claim)
        await database.write(partial(migrate, is_in_use=is_in_use))
    except DBAPIError as error:
        raise database.unusable(error) from error
    rows_place.note(folder, settings.database)


async def _require_same_key(database: Database, key: bytes) -> None:
    """Do nothing if secrets in the rows are encrypted by this hub's key, as by that of others.

    Raises:
        HubsDiffer: if they are not.
    """
    mark = owner_of(key)
    if await database.write(lambda c: hub_rows.key_mark(c, mark)) != mark:
        raise HubsDiffer(
            "The secrets in this database are encrypted by another key than this data folder's",
            hint=f"Copy `{KEY_FILE}` from the data folder of the hub that began the database",
        )


def place_of(folder: Path) -> str:
    """Return what tells a data folder from those of other hubs, on other machines too."""
    return f"{socket.gethostname()}:{folder.resolve()}"


def claim(folder: Path) -> file_lock.Lock:
    """Return the lock that makes this process the one hub of a data folder.

    Raises:
        DataFolderBusy: if another process is.
    """
    for _ in range(CLAIMS):
        lock = file_lock.exclusive(folder / LOCK)
        if lock is not None:
            return lock
        time.sleep(CLAIM_PAUSE_S)
    raise DataFolderBusy(
        f"Another hub runs on this data folder: {folder}",
        hint="Stop it, or choose another folder with `--data`",
    )


def has_hub(settings: HubSettings) -> bool:
    """Tell whether there is a hub in a data folder, wherever its rows are.

    Raises:
        DatabaseElsewhere: if its rows are on a server, which the settings do not name.
    """
    rows_place.require_setting(settings.data, settings.database)
    return (settings.data / (DATABASE if settings.database is None else KEY_FILE)).is_file()


def is_served(folder: Path) -> bool:
    """Tell whether a hub runs on a data folder."""
    if not (folder / LOCK).exists():
        return False
    lock = file_lock.shared(folder / LOCK)
    if lock is None:
        return True
    lock.release()
    return False
