"""The one place where a hub's parts are made and joined.

1. `open_hub` opens the data folder (one hub at a time) and makes the parts.
2. `asgi` joins the HTTP of registry, API and pages: the path says whose a request is.
3. `serve` answers on both listeners and runs what goes on in the background, until it is stopped.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from coghub.accounts.accounts import Accounts
from coghub.accounts.webhook_secret import WebhookSecrets
from coghub.api.app import api_app
from coghub.api.callbacks import Callbacks
from coghub.api.webhooks import show_to_webhook
from coghub.background import Addresses, Background, local_executor
from coghub.build import file_lock
from coghub.database.database import SqliteDatabase
from coghub.database.encryption import read_box
from coghub.database.migrate import migrate
from coghub.domain.clock import Clock, utc_now
from coghub.domain.errors import DataFolderBusy
from coghub.domain.signals import Signals
from coghub.executors.hardware import find_hardware
from coghub.files.files import Files
from coghub.files.prediction_files import PredictionFiles
from coghub.hub_settings import HubSettings
from coghub.models.access import Access
from coghub.models.catalog import Catalog
from coghub.models.deletion import Deletion
from coghub.models.models import Models
from coghub.models.variables import Variables
from coghub.parts import Hub
from coghub.predictions.predictions import Predictions
from coghub.registry.app import registry_app
from coghub.serving.listener import TLS, bind, listening, url_of
from coghub.settings import current_settings
from coghub.storage.storage import local_storage
from coghub.web.app import web_app

API_PATHS = frozenset({"v1", "files"})
"""First segments of what the API answers whoever asks: files have URLs that need no token."""
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
        storage = local_storage(folder / "storage")
        prediction_files = PredictionFiles(database, storage, now)
        box, signals, catalog = read_box(folder / KEY_FILE), Signals(), Catalog(database)
        yield Hub(
            settings=settings,
            database=database,
            storage=storage,
            box=box,
            signals=signals,
            now=now,
            accounts=Accounts(database, now),
            access=access,
            models=Models(database, access, now),
            deletion=Deletion(database, storage, access, now),
            variables=Variables(database, box),
            webhook_secrets=WebhookSecrets(database, box),
            catalog=catalog,
            predictions=Predictions(
                database, catalog, signals, box, settings, now, files=prediction_files
            ),
            files=Files(database, storage, now, settings.file_expiry_s),
            prediction_files=prediction_files,
            hardware=find_hardware(cpu_instances=settings.cpu_instances),
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
        first = scope["path"].partition("/")[2].partition("/")[0]  # no `/` at all in `OPTIONS *`
        if first == "v2" or scope["path"].startswith("/cog/v1/"):
            await registry(scope, receive, send)
        elif first in API_PATHS or _has_authorization(scope):
            await api(scope, receive, send)
        else:
            await web(scope, receive, send)

    return app


def _has_authorization(scope: Scope) -> bool:
    """Tell an API call without prefix from a page: only the former carries a token as such.

    Browsers send Basic, once somebody signed in.
    """
    return any(
        name == b"authorization" and not value.lower().startswith(b"basic ")
        for name, value in scope["headers"]
    )


async def serve(
    hub: Hub, listener: socket.socket, *, until: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Be a hub until the event is set.

    It stops in the order in which the parts need each other: requests first, then the background
    with the instances, which hand over their last outputs, and then what takes these.
    """
    settings = hub.settings
    tls, proxies = tls_of(settings), settings.trusted_proxies
    callbacks = bind("127.0.0.1", 0)
    addresses = Addresses(url_of(listener, is_secure=tls is not None), url_of(callbacks))
    executor = local_executor(hub, current_settings())
    background = Background(hub, executor, addresses, partial(show_to_webhook, hub))
    async with AsyncExitStack() as stack:
        answers = Callbacks(hub, background.member).app()
        await stack.enter_async_context(listening(answers, callbacks))
        await stack.enter_async_context(background.running())
        await stack.enter_async_context(
            listening(asgi(hub), listener, tls=tls, trusted_proxies=proxies)
        )
        on_ready()
        await until.wait()
        hub.signals.stop()


def tls_of(settings: HubSettings) -> TLS | None:
    """Return what https needs, if it is wanted."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return TLS(settings.tls_cert, settings.tls_key)
