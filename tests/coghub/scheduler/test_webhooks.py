"""Webhooks about ends are sent until they are taken or given up; nobody waits for others."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest
from aiohttp import web
from replicate.webhook import Webhooks as Client
from replicate.webhook import WebhookSigningSecret
from sqlalchemy import delete, select
from tests.coghub.pushed import register_version

from cog.network_guard import Guard
from coghub.database.models import PushedVersion
from coghub.database.schema import predictions, webhook_deliveries
from coghub.domain.errors import DatabaseUnreachable
from coghub.domain.prediction import End, Status, WebhookEvent
from coghub.predictions.predictions import Order
from coghub.scheduler import patience
from coghub.scheduler.posting import Poster
from coghub.scheduler.webhooks import MAX_ATTEMPTS, PER_RECEIVER, Caller, Shown, Webhooks

PATIENCE_S = 30.0


class Clock:
    def __init__(self):
        self.time = datetime.now(UTC) + timedelta(seconds=10)  # the hub's own is not ours

    def __call__(self):
        return self.time

    def advance(self, seconds):
        self.time += timedelta(seconds=seconds)


class Site:
    """A receiver on loopback, that keeps what it gets and answers as told."""

    def __init__(self):
        self.calls = []
        self.status = 200
        self.headers = {}
        self.gate = None
        self.is_busy = anyio.Event()

    async def answer(self, request):
        self.calls.append((request.raw_path, request.headers, await request.read()))
        if self.gate is not None:
            self.is_busy.set()
            await self.gate.wait()
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def start_site():
    runners = []

    async def start(host="127.0.0.1"):
        site, app = Site(), web.Application()
        app.router.add_route("*", "/{path:.*}", site.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        listening = web.TCPSite(runner, host, 0)
        await listening.start()
        site.url = f"http://{host}:{runner.addresses[0][1]}/hook"
        return site

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def site(start_site):
    return await start_site()


@pytest.fixture
async def start_webhooks(hub, clock):
    started = []

    async def show(prediction_id):
        status = (await hub.predictions.find(prediction_id)).status
        return Shown(f'{{"id":"{prediction_id}","status":"{status}"}}'.encode(), status.is_final)

    def start(guard=None, timeout_s=PATIENCE_S, database=hub.database):
        poster = Poster(guard or Guard(is_private_allowed=True), timeout_s=timeout_s)
        webhooks = Webhooks(database, Caller(hub.webhook_secrets, show, poster, clock))
        started.append((webhooks, poster))
        return webhooks

    yield start
    for webhooks, poster in started:
        await webhooks.stop()
        await poster.close()


@pytest.fixture
async def webhooks(start_webhooks):
    return start_webhooks()


@pytest.fixture
async def make(hub, alice):
    """Make a prediction that wants to tell a URL, and end it."""
    model = await hub.models.create(alice, "alice", "painter")
    version = await register_version(
        hub, model, PushedVersion("a" * 64, "0.23.1", {}, {}, is_bundle=True)
    )

    async def one(url, *, account=alice, events=None, status=Status.SUCCEEDED):
        order = Order(model, version, {}, "http://hub", webhook=url, webhook_events=events)
        prediction = await hub.predictions.create(account, order)
        await hub.predictions.end(prediction.id, End(status))
        return prediction.id

    return one


@pytest.fixture
def deliveries(hub):
    async def rows():
        query = select(webhook_deliveries).order_by(webhook_deliveries.c.created_at)
        return await hub.database.read(lambda c: c.execute(query).mappings().all())

    return rows


async def deliver(webhooks):
    """Send what is due, and wait until that is noted."""
    with anyio.fail_after(PATIENCE_S):
        begun = await webhooks.tick()
        await webhooks.idle()
    return begun


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELED])
async def test_an_end_is_told_once(webhooks, site, make, deliveries, status):
    prediction_id = await make(f"{site.url}/a%2fb?a=1&b=%2F#c", status=status)

    assert await deliver(webhooks) == 1
    assert await deliver(webhooks) == 0

    [(path, headers, body)] = site.calls
    assert path == "/hook/a%2fb?a=1&b=%2F"
    assert headers["content-type"] == "application/json"
    assert body == f'{{"id":"{prediction_id}","status":"{status}"}}'.encode()
    [row] = await deliveries()
    assert (row["status_code"], row["error"], row["next_at"]) == (200, None, None)
    assert row["delivered_at"] is not None


async def test_an_end_that_is_noted_while_the_next_tick_reads_is_told_once(
    hub, start_webhooks, site, make
):
    """The tick has read the row as it was before, and knows only now that nobody is under way."""
    late = Late(hub.database)
    webhooks = start_webhooks(database=late)
    await make(site.url)
    site.gate = anyio.Event()
    with anyio.fail_after(PATIENCE_S):
        await webhooks.tick()
        await site.is_busy.wait()

        async def end():
            site.gate.set()
            await webhooks.idle()

        late.then = end
        begun = await webhooks.tick()
        await webhooks.idle()

    assert begun == 0
    assert len(site.calls) == 1


class Late:
    """A database from which an answer to a read comes when something else has happened."""

    def __init__(self, database):
        self._database = database
        self.then = None

    def __getattr__(self, name):
        return getattr(self._database, name)

    async def read(self, query):
        found = await self._database.read(query)
        if self.then is not None:
            then, self.then = self.then, None
            await then()
        return found


async def test_the_official_client_accepts_the_signature(hub, alice, webhooks, site, make, clock):
    await make(site.url)

    await deliver(webhooks)

    [(_, headers, body)] = site.calls
    secret = WebhookSigningSecret(key=await hub.webhook_secrets.get(alice.id))
    Client.validate(headers=dict(headers), body=body.decode(), secret=secret, tolerance=60)


@pytest.mark.parametrize(
    ("events", "is_told"),
    [
        (None, True),
        ((WebhookEvent.COMPLETED,), True),
        ((WebhookEvent.OUTPUT, WebhookEvent.COMPLETED), True),
        ((WebhookEvent.START,), False),
        ((), False),
    ],
)
async def test_the_filter_decides(webhooks, site, make, events, is_told):
    await make(site.url, events=events)

    await deliver(webhooks)

    assert bool(site.calls) == is_told


async def test_a_prediction_without_webhook_has_no_delivery(make, deliveries):
    await make(None)

    assert await deliveries() == []


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_what_is_not_taken_is_sent_again_later_and_later(
    webhooks, site, make, clock, deliveries, status
):
    site.status, site.headers = status, {"Location": site.url}
    began = clock()
    await make(site.url)

    times = []
    for _ in range(100):
        if await deliver(webhooks):
            times.append((clock() - began).total_seconds())
        clock.advance(1)

    assert times == [0, 1, 3, 7, 15, 31, 63]
    assert len(site.calls) == MAX_ATTEMPTS
    assert len({headers["webhook-id"] for _, headers, _ in site.calls}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in site.calls}) == MAX_ATTEMPTS
    [row] = await deliveries()
    assert (row["attempts"], row["status_code"]) == (MAX_ATTEMPTS, status)
    assert row["error"] == f"The receiver answered {status}"
    assert row["next_at"] is None
    assert webhooks._statistics.webhooks == {"failed": MAX_ATTEMPTS - 1, "given up": 1}


async def test_what_is_taken_late_is_delivered(webhooks, site, make, clock, deliveries):
    site.status = 503
    await make(site.url)
    await deliver(webhooks)
    site.status = 204
    clock.advance(1)

    await deliver(webhooks)

    [row] = await deliveries()
    assert (row["attempts"], row["status_code"], row["error"]) == (2, 204, None)


async def test_a_receiver_that_does_not_answer_is_asked_again(
    start_webhooks, site, make, deliveries
):
    site.gate = anyio.Event()
    webhooks = start_webhooks(timeout_s=0.05)
    await make(site.url)

    await deliver(webhooks)
    site.gate.set()

    [row] = await deliveries()
    assert (row["attempts"], row["status_code"]) == (1, None)
    assert row["error"] == "No answer within 0.05 s"
    assert row["next_at"] is not None


async def test_nobody_listening_is_noted_and_tried_again(webhooks, make, deliveries):
    await make("http://127.0.0.1:1/hook")

    await deliver(webhooks)

    [row] = await deliveries()
    assert "Cannot connect to host 127.0.0.1:1" in row["error"]
    assert row["next_at"] is not None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest", "`169.254.169.254` may not be reached from here"),
        ("http://[fd00:ec2::254]/", "may not be reached from here: its address is metadata"),
        ("ftp://files.example/x", "Not an http or https URL"),
        ("//127.0.0.1/", "Not an http or https URL"),
        ("unix:///run/docker.sock", "Not an http or https URL"),
        ("no url at all", "Not an http or https URL"),
        ("http://", "Not an http or https URL"),
        ("http://x\r\nhost: y/", "Not an http or https URL"),
        ("", ""),
    ],
)
async def test_what_can_never_be_reached_is_given_up_at_once(
    hub, webhooks, make, deliveries, url, reason
):
    await make(url)

    await deliver(webhooks)

    for row in await deliveries():
        assert reason in row["error"]
        assert row["next_at"] is None


async def test_loopback_is_refused_where_the_guard_says_so(start_webhooks, site, make, deliveries):
    webhooks = start_webhooks(Guard())
    await make(site.url)

    await deliver(webhooks)

    [row] = await deliveries()
    assert row["error"] == "`127.0.0.1` may not be reached from here: its address is loopback"
    assert row["next_at"] is None
    assert site.calls == []


async def test_a_slow_receiver_delays_nobody_else(webhooks, start_site, make, deliveries):
    slow, quick = await start_site("127.0.0.1"), await start_site("127.0.0.2")
    slow.gate = anyio.Event()
    for _ in range(PER_RECEIVER * 5):
        await make(slow.url)
    await make(quick.url)

    with anyio.fail_after(PATIENCE_S):
        assert await webhooks.tick() == PER_RECEIVER + 1
        await slow.is_busy.wait()
        while not quick.calls:
            await anyio.lowlevel.checkpoint()
        assert await webhooks.tick() <= 1
    assert len(slow.calls) <= PER_RECEIVER
    slow.gate.set()
    await webhooks.idle()
    while await deliver(webhooks):
        pass

    assert len(slow.calls) == PER_RECEIVER * 5
    assert all(row["delivered_at"] for row in await deliveries())


async def test_accounts_do_not_share_a_receivers_places(hub, bob, webhooks, site, make):
    site.gate = anyio.Event()
    for _ in range(PER_RECEIVER * 3):
        await make(site.url)
    await make(site.url, account=bob)

    assert await webhooks.tick() == PER_RECEIVER + 1
    site.gate.set()


async def test_what_was_under_way_when_the_hub_stopped_is_sent_after_its_start(
    start_webhooks, site, make, clock, deliveries
):
    """Even twice; never not at all."""
    site.gate = anyio.Event()
    first = start_webhooks()
    await make(site.url)
    with anyio.fail_after(PATIENCE_S):
        await first.tick()
        await site.is_busy.wait()
        await first.stop()
    site.gate.set()

    assert await deliver(start_webhooks()) == 1

    [row] = await deliveries()
    assert row["delivered_at"] is not None
    assert len(site.calls) == 2


async def test_the_loop_wakes_when_told(webhooks, site, make):
    async with anyio.create_task_group() as group:
        group.start_soon(webhooks.run)
        await make(site.url)
        webhooks.wake()
        with anyio.fail_after(PATIENCE_S):
            while not site.calls:
                await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()


async def test_a_prediction_that_is_gone_takes_its_delivery_along(hub, webhooks, make, deliveries):
    await make("http://127.0.0.1:1/hook")
    await hub.database.write(lambda c: c.execute(delete(predictions)))

    assert await deliver(webhooks) == 0
    assert await deliveries() == []


async def test_a_database_that_is_away_lets_no_receiver_be_told_twice(
    hub, webhooks, site, make, deliveries, monkeypatch
):
    """Nor does it count as a try: what was sent is noted once that can be written."""
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    site.gate, refused, write = anyio.Event(), anyio.Event(), hub.database.write
    await make(site.url)

    async def away(_change):
        refused.set()
        raise DatabaseUnreachable("postgresql://db", "connection refused")

    with anyio.fail_after(PATIENCE_S):
        await webhooks.tick()
        await site.is_busy.wait()
        monkeypatch.setattr(hub.database, "write", away)
        site.gate.set()
        await refused.wait()
        monkeypatch.setattr(hub.database, "write", write)
        await webhooks.idle()

    assert await deliver(webhooks) == 0
    assert len(site.calls) == 1
    [row] = await deliveries()
    assert (row["attempts"], row["next_at"]) == (1, None)


async def test_a_receiver_is_told_once_the_database_is_back(
    start_webhooks, hub, site, make, deliveries, monkeypatch
):
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    webhooks = start_webhooks()
    await make(site.url)
    tries = []

    async def away(account_id):
        tries.append(account_id)
        if len(tries) < 3:
            raise DatabaseUnreachable("postgresql://db", "connection refused")
        return await get(account_id)

    get = hub.webhook_secrets.get
    monkeypatch.setattr(hub.webhook_secrets, "get", away)
    await deliver(webhooks)

    assert len(site.calls) == 1
    [row] = await deliveries()
    assert (row["attempts"], row["next_at"]) == (1, None)


async def test_who_leads_no_more_breaks_off_no_call(webhooks, site, make, deliveries):
    """Its receiver may have taken it, and would be told twice by the next who leads."""
    site.gate = anyio.Event()
    await make(site.url)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(webhooks.run)
            await site.is_busy.wait()
            tasks.cancel_scope.cancel()
        site.gate.set()
        await webhooks.idle()

    assert len(site.calls) == 1
    [row] = await deliveries()
    assert (row["attempts"], row["next_at"]) == (1, None)
