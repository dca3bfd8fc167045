"""The one place where a hub's parts are made and joined.

1. `open_hub` opens the data folder (one hub at a time) and makes the parts.
2. `asgi` joins the HTTP of registry, API and pages: the path says whose a request is.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from coghub.accounts.accounts import Accounts
from coghub.api.app import api_app
from coghub.build import file_lock
from coghub.database.database import SqliteDatabase
from coghub.database.encryption import read_box
from coghub.database.migrate import migrate
from coghub.domain.clock import Clock, utc_now
from coghub.domain.errors import DataFolderBusy
from coghub.domain.signals import Signals
from coghub.hub_settings import HubSettings
from coghub.models.access import Access
from coghub.models.models import Models
from coghub.parts import Hub
from coghub.registry.app import registry_app
from coghub.storage.storage import local_storage
from coghub.web.app import web_app

DATABASE = "hub.db"
KEY_FILE = "key"
LOCK = "hub.lock"
PRIVATE = 0o700
"""Rights of the data folder: it holds tokens' hashes, secrets, and the sockets of instances."""


@asynccontextmanager
async def open_hub(settings: HubSettings, *, now: Clock = utc_now) -> AsyncGenerator[Hub]:
    """Open a data folder; may be done beside a running hub.

    Raises:
        DatabaseTooNew: if a newer version of coghub has changed it.
    """
    folder = settings.data
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    folder.chmod(PRIVATE)
    database = SqliteDatabase(folder / DATABASE, is_durable=settings.is_durable)
    try:
        await database.write(migrate)
        access = Access(database, allow_anonymous=settings.allow_anonymous)
        yield Hub(
            settings=settings,
            database=database,
            storage=local_storage(folder / "storage"),
            box=read_box(folder / KEY_FILE),
            signals=Signals(),
            now=now,
            accounts=Accounts(database, now),
            access=access,
            models=Models(database, access, now),
        )
    finally:
        await database.close()


def claim(folder: Path) -> file_lock.Lock:
    """Return the lock that makes this process the one hub of a data folder.

    Raises:
        DataFolderBusy: if another process is.
    """
    lock = file_lock.exclusive(folder / LOCK)
    if lock is None:
        raise DataFolderBusy(
            f"Another hub runs on this data folder: {folder}",
            hint="Stop it, or choose another folder with `--data`",
        )
    return lock


def asgi(hub: Hub) -> ASGIApp:
    """Return the whole of the hub's HTTP: registry, API, and pages."""
    registry, api, web = registry_app(hub), api_app(hub), web_app(hub)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        first = scope["path"].split("/", 2)[1]
        if first == "v2" or scope["path"].startswith("/cog/v1/"):
            await registry(scope, receive, send)
        elif first == "v1" or _has_authorization(scope):
            await api(scope, receive, send)
        else:
            await web(scope, receive, send)

    return app


def _has_authorization(scope: Scope) -> bool:
    """Tell an API call without prefix from a page: only the former carries a token in a header."""
    return any(name == b"authorization" for name, _ in scope["headers"])
