"""`GET /metrics`, as Prometheus reads it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.slow


@pytest.fixture
def server(start_server):
    return start_server("queued.py:Predictor", COG_QUEUE_SIZE="2").wait_until_ready()


def numbers(server) -> dict[str, float]:
    """Return each sample by its name and labels."""
    answer = server.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        "/".join([it.name, *it.labels.values()]): it.value
        for family in text_string_to_metric_families(answer.text)
        for it in family.samples
    }


def test_predictions_are_counted_by_how_they_ended(server, tmp_path) -> None:
    path = tmp_path / "go on"
    running = server.begin("running", "begins", action="wait", text=str(path))
    canceled = server.follow("/predictions/canceled", {})
    last = server.follow("/predictions/last", {})
    server.ask("POST", "/predictions", {})
    meanwhile = numbers(server)
    server.ask("POST", "/predictions/canceled/cancel")
    path.touch()
    for stream in (running, canceled, last):
        stream.end()
    server.predict(action="die")
    server.wait_for_line("Setup complete", count=2)
    after = numbers(server)

    assert meanwhile["cog_predictions_running"] == 1
    assert meanwhile["cog_predictions_queued"] == 2
    assert meanwhile["cog_queue_size"] == 2
    assert meanwhile["cog_slots"] == 1
    assert meanwhile["cog_predictions_refused_total"] == 1
    assert after["cog_predictions_total/succeeded"] == 2
    assert after["cog_predictions_total/canceled"] == 1
    assert after["cog_predictions_total/failed"] == 1
    assert after["cog_worker_deaths_total"] == 1
    assert after["cog_prediction_seconds_count"] == 4
    assert after["cog_queue_seconds_count"] == 3
    assert after["cog_prediction_seconds_bucket/+Inf"] == 4


def test_the_worker_is_described(server) -> None:
    seen = numbers(server)

    assert seen["cog_worker_ready"] == 1
    assert seen["cog_worker_memory_bytes"] > 1024**2
    assert seen["cog_setup_seconds"] > 0
    assert seen["process_resident_memory_bytes"] > 1024**2


def test_replacements_are_no_deaths(start_server) -> None:
    server = start_server("queued.py:Predictor", COG_MAX_PREDICTIONS="1", COG_QUEUE_SIZE="2")
    server.wait_until_ready()
    for _ in range(3):
        server.predict()

    seen = numbers(server)

    assert seen["cog_worker_replacements_total"] >= 2
    assert seen["cog_worker_deaths_total"] == 0
