"""What machines that look after a hub are told, and who is told nothing."""

import asyncio
import shutil
from dataclasses import replace

import httpx
import pytest
from hub_client import Client
from oci_images import Pusher
from prometheus_client.parser import text_string_to_metric_families
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from tests.coghub.scheduler.conftest import add_version, running
from tests.fakes.executor import FakeExecutor

from coghub.app import asgi
from coghub.domain.digest import digest_of
from coghub.domain.errors import SetupFailed

TOTAL = "_total"


@pytest.fixture
def app(hub):
    return asgi(hub)


@pytest.fixture
def as_nobody(app):
    return Client(app)


@pytest.fixture
async def as_root(hub, app):
    await hub.accounts.create("root", is_admin=True)
    return Client(app, await hub.accounts.create_token("root"))


async def numbers_of(client):
    """Return each sample's value, by its name and its labels' values, by the labels' names."""
    answer = await client("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_hub_that_answers_is_alive(as_nobody):
    answer = await as_nobody("GET", "/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (await as_nobody("POST", "/healthz")).status_code == 405


async def test_a_hub_is_ready_while_its_scheduler_runs(hub, app, as_nobody):
    answer = await as_nobody("GET", "/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": True, "storage": True, "scheduler": False}

    async with running(hub, FakeExecutor()) as it:
        await it.until(lambda: hub.live.now().ticked_at > 0)
        answer = await Client(asgi(hub))("GET", "/readyz")

        assert answer.status_code == 200
        assert answer.json()["status"] == "ready"

        hub.signals.stop()
        assert (await Client(asgi(hub))("GET", "/readyz")).status_code == 503


async def test_without_its_storage_a_hub_is_not_ready(hub, as_nobody):
    shutil.rmtree(hub.settings.data / "storage")
    shutil.rmtree(hub.storage.incoming, ignore_errors=True)

    answer = await as_nobody("GET", "/readyz")

    assert answer.json()["parts"]["storage"] is False
    assert str(hub.settings.data) not in answer.text


async def test_without_its_database_a_hub_is_not_ready(hub, as_nobody):
    class Broken:
        async def read(self, query):
            raise OSError("disk I/O error")

    broken = Client(asgi(replace(hub, database=Broken())))

    answer = await broken("GET", "/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] is False
    assert "I/O" not in answer.text


async def test_metrics_are_for_administrators(hub, app, as_nobody, as_root, alice):
    as_alice = Client(app, await hub.accounts.create_token("alice"))

    assert (await as_nobody("GET", "/metrics")).status_code == 401
    assert (await as_alice("GET", "/metrics")).status_code == 403
    assert (await as_root("GET", "/metrics")).status_code == 200


@pytest.mark.parametrize(
    ("networks", "address", "header", "status"),
    [
        (("10.0.0.0/8",), "10.1.2.3", None, 200),
        (("127.0.0.1/32",), "127.0.0.1", None, 200),
        (("10.0.0.0/8",), "127.0.0.1", None, 401),
        (("10.0.0.0/8",), "::1", None, 401),
        (("::/0",), "::1", None, 200),
        # Of whom a proxy forwards that nobody trusts, nothing is known.
        (("127.0.0.1/32",), "127.0.0.1", "x-forwarded-for", 401),
        (("127.0.0.1/32",), "127.0.0.1", "forwarded", 401),
        ((), "127.0.0.1", None, 401),
    ],
)
async def test_chosen_networks_read_metrics(hub, networks, address, header, status):
    near = replace(hub, settings=replace(hub.settings, metrics_networks=networks))
    transport = httpx.ASGITransport(asgi(near), client=(address, 1))
    headers = {header: "127.0.0.1"} if header else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        assert (await client.get("/metrics", headers=headers)).status_code == status


async def test_what_runs_is_counted(hub, alice, as_root):
    order = await add_version(hub, alice, "hello")

    async with running(hub, FakeExecutor()) as it:
        await it.run(alice, order(text="a"))
        numbers = await numbers_of(as_root)

    assert numbers["coghub_predictions_total", "succeeded"] == 1
    assert numbers["coghub_runs_total", "cpu", "alice/hello", "succeeded"] == 1
    assert numbers["coghub_queue_seconds_count", "cpu"] == 1
    assert numbers["coghub_prediction_seconds_count", "cpu"] == 1
    assert numbers["coghub_instance_boot_seconds_count", "cpu"] == 1
    assert numbers["coghub_instances", "cpu", "ready"] == 1
    assert numbers["coghub_hardware_capacity", "cpu"] == hub.hardware[0].capacity
    assert numbers["coghub_queue_predictions",] == 0
    assert numbers["coghub_rows", "models"] == 1
    assert numbers["coghub_disk_free_bytes",] > 0
    assert numbers["process_open_fds",] > 0


async def test_who_waits_is_counted(hub, alice, as_root):
    order = await add_version(hub, alice, "hello")

    class Slow(FakeExecutor):
        async def start(self, spec, tell):
            await asyncio.Event().wait()

    async with running(hub, Slow()) as it:
        made = await it.make(alice, order())
        waiting = await numbers_of(as_root)
        await hub.predictions.cancel(alice, made.id)
        canceled = await numbers_of(as_root)

    assert waiting["coghub_queue_predictions",] == 1
    assert waiting["coghub_queue_oldest_seconds",] >= 0
    assert canceled["coghub_queue_predictions",] == 0
    assert canceled["coghub_predictions_total", "canceled"] == 1


async def test_starts_that_fail_are_counted(hub, alice, as_root):
    class Failing(FakeExecutor):
        async def start(self, spec, tell):
            raise SetupFailed("no weights")

    order = await add_version(hub, alice, "hello")

    async with running(hub, Failing()) as it:
        await it.run(alice, order())
        numbers = await numbers_of(as_root)

    assert numbers["coghub_instance_boot_failures_total", "cpu"] >= 1
    assert numbers["coghub_predictions_total", "failed"] == 1


async def test_requests_and_bytes_are_counted(hub, as_nobody, as_root):
    await as_nobody("GET", "/login")
    await as_nobody("GET", "/v1/account")
    await as_root("POST", "/v1/files", files={"content": b"x" * 1000})
    await as_nobody("BREW", "/v2/")

    numbers = await numbers_of(as_root)

    assert numbers["coghub_http_requests_total", "GET", "200", "web"] == 1
    assert numbers["coghub_http_requests_total", "GET", "401", "api"] == 1
    assert numbers["coghub_http_answer_seconds_count", "api"] == 2
    assert numbers["coghub_http_body_bytes_total", "in", "api"] > 1000
    assert numbers["coghub_http_body_bytes_total", "out", "web"] > 1000
    assert numbers["coghub_stored_bytes", "uploaded_files"] == 1000
    [other] = [key for key in numbers if key[-1] == "registry" and "requests" in key[0]]
    assert other[1] == "other"


async def test_no_label_holds_what_a_stranger_writes(hub, as_nobody, as_root):
    """Else a client could make the numbers grow without end."""
    for path in ("/secret-path", "/v2/some-name/manifests/x", "/v1/models/a/b"):
        await as_nobody("MADEUP", path)

    answer = await as_root("GET", "/metrics")

    for word in ("secret-path", "some-name", "MADEUP"):
        assert word not in answer.text


async def test_what_a_run_logs_names_prediction_version_instance_and_account(hub, alice):
    order = await add_version(hub, alice, "hello")

    with capture_logs(processors=[merge_contextvars]) as logs:
        async with running(hub, FakeExecutor()) as it:
            made = await it.make(alice, order(do="fail"))
            await it.end_of(made)
            [member] = it.fleet

    [ended] = [it for it in logs if it["event"] == "prediction ended"]
    assert ended["prediction_id"] == made.id
    assert ended["account_id"] == alice.id
    [ready] = [it for it in logs if it["event"] == "instance is ready"]
    for line in (ended, ready):
        assert line["instance_id"] == member.id
        assert line["version_id"] == made.version.id


async def test_calls_about_ends_are_counted(hub, as_root):
    hub.statistics.webhooks["delivered"] += 2
    hub.statistics.webhooks["given up"] += 1

    numbers = await numbers_of(as_root)

    assert numbers["coghub_webhook_attempts_total", "delivered"] == 2
    assert numbers["coghub_webhook_attempts_total", "given up"] == 1


async def test_bytes_of_pushes_and_pulls_are_counted(hub, app, alice, as_root):
    pusher = Pusher(app, await hub.accounts.create_token("alice"))
    blob = b"x" * 10_000
    await pusher.blob("alice/hello", blob)
    pulled = await pusher("GET", f"/v2/alice/hello/blobs/{digest_of(blob)}")
    assert pulled.content == blob

    numbers = await numbers_of(as_root)

    assert numbers["coghub_http_body_bytes_total", "in", "registry"] == 10_000
    assert numbers["coghub_http_body_bytes_total", "out", "registry"] >= 10_000


PROMISED = {
    "coghub_queue_predictions": "gauge",
    "coghub_queue_oldest_seconds": "gauge",
    "coghub_queue_seconds": "histogram",
    "coghub_prediction_seconds": "histogram",
    "coghub_predictions": "counter",
    "coghub_instances": "gauge",
    "coghub_instance_boot_seconds": "histogram",
    "coghub_instance_boot_failures": "counter",
    "coghub_instance_deaths": "counter",
    "coghub_http_requests": "counter",
    "coghub_http_answer_seconds": "histogram",
    "coghub_http_body_bytes": "counter",
}
"""Queue, boots, latencies, errors, instances, bytes: what operators are told that there is."""
UNITS = ("seconds", "bytes")


async def test_the_promised_numbers_are_there_and_named_as_prometheus_asks(hub, as_root):
    async with running(hub, FakeExecutor()) as it:
        await it.until(lambda: hub.live.now().ticked_at > 0)
        text = (await as_root("GET", "/metrics")).text

    families = {it.name: it for it in text_string_to_metric_families(text)}
    own = {name: it for name, it in families.items() if name.startswith("coghub_")}
    assert PROMISED.items() <= {name: it.type for name, it in own.items()}.items()
    for name, family in own.items():
        assert family.documentation
        if family.type == "histogram":
            assert name.endswith(UNITS)
        if family.type == "counter":
            assert {it.name for it in family.samples} <= {f"{name}_total", f"{name}_created"}
