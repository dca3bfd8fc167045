"""Each thing that can die, at each moment: what the client sees, nothing lost, nothing twice."""

import re
import sqlite3
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from s3_server import s3_server
from tests.acceptance.hub_process import HubProcess
from tests.acceptance.kill_matrix import moments, processes
from tests.acceptance.kill_matrix.cells import CELLS, Killed, Moment, as_markdown, cells
from tests.acceptance.kill_matrix.deaths import Death
from tests.acceptance.kill_matrix.model import until
from tests.acceptance.kill_matrix.relay import Relay
from tests.acceptance.kill_matrix.stage import ENDED, Stage, Watched
from tests.acceptance.kill_matrix.told import Call, Receiver, replayed
from tests.postgres_server import server

from coghub.database.postgres import WRITE_LOCK

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]
DURABLE = ("shared_buffers=32MB",)
"""A cluster that may be killed: with all that makes a crash survivable."""


def lock(hub: HubProcess) -> AbstractContextManager[None]:
    """Be another one that writes into the hub's rows, wherever they are."""
    url = hub.environ.get("COGHUB_DATABASE")
    return sqlite_lock(hub) if url is None else postgres_lock(url)


@contextmanager
def sqlite_lock(hub: HubProcess) -> Iterator[None]:
    """Be another process that writes into the hub's file of rows."""
    with closing(sqlite3.connect(hub.folder / "hub.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def postgres_lock(url: str) -> Iterator[None]:
    """Be another hub that writes; who is cut off by the server's death has no lock any more."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(f"SELECT pg_advisory_lock({WRITE_LOCK})")
        yield


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as found:
        yield found


@pytest.fixture(scope="module")
def start(environ, tmp_path_factory, receiver):
    """Start a hub with room for one instance, and give it the model."""

    @contextmanager
    def started(name, **more):
        settings = more.pop("environ", {})
        folder = tmp_path_factory.mktemp(name)
        own = {"DOCKER_CONFIG": str(folder / "docker"), "COG_DATA_DIR": str(folder / "author")}
        one = {"COGHUB_CPU_INSTANCES": "1"}
        hub = HubProcess(folder / "data", {**environ, **own, **one, **settings})
        try:
            stage = Stage(hub, folder, receiver, lambda: lock(hub), **more)
            yield stage
            stage.close()
        finally:
            if hub.process.poll() is None:
                hub.kill()

    return started


@pytest.fixture(scope="module")
def local_stage(start):
    with start("local") as stage:
        yield stage


@pytest.fixture(scope="module")
def postgres_stage(start):
    with server(DURABLE) as postgres:
        if isinstance(postgres, str):
            pytest.skip(postgres)
        url = postgres.url(postgres.make())
        settings = {"COGHUB_DATABASE": url}
        with start("postgres", environ=settings, postgres=postgres) as stage:
            yield stage


@pytest.fixture(scope="module")
def s3_stage(start):
    with s3_server() as store:
        relay = Relay(int(store.address.rpartition(":")[2]))
        settings = {
            **store.environ,
            "COGHUB_STORAGE": str(store.new_place()),
            "AWS_ENDPOINT_URL": relay.address,
            "COGHUB_REDIRECT_BLOBS": "false",
        }
        try:
            with start("s3", environ=settings, relay=relay) as stage:
                yield stage
        finally:
            relay.close()


STAGES = {
    Killed.HUB: "local_stage",
    Killed.SERVER: "local_stage",
    Killed.WORKER: "local_stage",
    Killed.DATABASE: "postgres_stage",
    Killed.STORAGE: "s3_stage",
    Killed.CALLBACK: "s3_stage",
}


def test_the_guide_tells_what_is_tried_here():
    guide = Path(__file__).parents[2] / "docs" / "guides" / "operate.md"

    assert as_markdown() in guide.read_text()


@pytest.mark.parametrize(
    ("killed", "moment"), [pytest.param(*it, id=f"{it[0]}, {it[1]}") for it in cells()]
)
def test_nothing_is_lost_and_nothing_ends_twice(request, killed: Killed, moment: Moment):
    stage: Stage = request.getfixturevalue(STAGES[killed])
    seen = CELLS[killed][moment]

    watched = moments.met(Death(stage, killed), moment)
    ended = stage.wait_for(watched.id, ENDED)

    assert (ended["id"], ended["status"]) == (watched.id, seen.status), ended["error"]
    assert re.search(seen.error, ended["error"] or ""), ended["error"]
    assert_output_is_whole(stage, watched, ended)
    assert watched.gates.count("begun") == seen.begun
    assert_events_come_once(watched, ended)
    calls = assert_webhook_is_taken_once(stage, watched, seen.calls)
    assert stage.counted() == tuple(number + 1 for number in watched.counted)
    assert stage.run()["status"] == "succeeded"  # it goes on as before
    assert stage.get(watched.id).body == ended
    assert stage.receiver.of(watched.id) == calls
    assert stage.counted() == tuple(number + 2 for number in watched.counted)
    assert len(processes.servers(stage.hub)) == 1


def assert_output_is_whole(stage: Stage, watched: Watched, ended: dict) -> None:
    """All of it for who succeeded, what was told before the end for who failed."""
    output = ended["output"] or []
    if ended["status"] == "succeeded":
        assert len(output) == 2
    for number, piece in enumerate(output, 1):
        if not watched.size:
            assert piece == f"piece {number}"
            continue
        with urllib.request.urlopen(piece) as content:
            assert content.read() == bytes([number]) * watched.size


def assert_events_come_once(watched: Watched, ended: dict) -> None:
    """Who came back behind the last event has what one has who comes now."""
    events = watched.follower.wait()
    ids = [int(number) for number, _, _ in events]
    outputs = [content for _, name, content in events if name == "output"]

    assert ids == sorted(set(ids))
    assert events == replayed(watched.stream)
    assert outputs == (ended["output"] or [])


def assert_webhook_is_taken_once(stage: Stage, watched: Watched, count: int) -> list[Call]:
    """Each call has the same id, and tells the same end; one of them is answered."""
    until(lambda: any(it.is_taken for it in stage.receiver.of(watched.id)), "no webhook came")
    calls = stage.receiver.of(watched.id)
    bodies = [it.body for it in calls]

    assert [len(calls), len({it.webhook_id for it in calls})] == [count, 1]
    assert sum(it.is_taken for it in calls) == 1
    assert all(it == bodies[0] for it in bodies)
    return calls
