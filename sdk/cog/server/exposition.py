"""What `GET /metrics` shows, for Prometheus.

The library is imported when it is first asked for: it would cost each start a tenth of a second.
The counts are kept by `statistics` in any case, so nothing is missing from the first answer.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from cog.server.model import Model
from cog.server.statistics import BOUNDS_S, Histogram
from cog.server.worker import State


class Exposition:
    """Writes the numbers of one model as Prometheus reads them."""

    def __init__(self, model: Model) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Numbers(model))
        ProcessCollector(registry=self._registry)  # of the server: CPU, memory, open files

    def text(self) -> bytes:
        """Return all numbers as they are now."""
        return generate_latest(self._registry)


class _Numbers(Collector):
    def __init__(self, model: Model) -> None:
        self._model = model

    def collect(self) -> Iterator[Metric]:
        yield from self._of_predictions()
        yield from self._of_worker()

    def _of_predictions(self) -> Iterator[Metric]:
        predictions = self._model.predictions
        counted = predictions.statistics
        ended = CounterMetricFamily(
            "cog_predictions", "Predictions that have ended", labels=["status"]
        )
        for status, count in counted.ended_by_status.items():
            ended.add_metric([status], count)
        yield ended
        text = "Requests refused with 409: no free slot, and no place in the queue"
        yield CounterMetricFamily("cog_predictions_refused", text, counted.refused)
        yield _histogram("cog_prediction_seconds", "How long predictions ran", counted.ran)
        yield _histogram("cog_queue_seconds", "How long they waited for a slot", counted.waited)
        running, queued = predictions.count, len(predictions.queue)
        yield GaugeMetricFamily("cog_predictions_running", "Predictions that have a slot", running)
        yield GaugeMetricFamily("cog_predictions_queued", "Predictions that wait", queued)
        size = predictions.queue.size
        yield GaugeMetricFamily("cog_queue_size", "How many may wait (COG_QUEUE_SIZE)", size)

    def _of_worker(self) -> Iterator[Metric]:
        worker = self._model.worker
        slots = 0 if worker.loaded is None else worker.loaded.slots
        is_ready = int(worker.state is State.READY)
        yield GaugeMetricFamily("cog_slots", "Predictions that may run at once", slots)
        yield GaugeMetricFamily("cog_worker_ready", "1 while the model takes predictions", is_ready)
        text = "Resident memory of the worker and its children"
        yield GaugeMetricFamily("cog_worker_memory_bytes", text, worker.memory_bytes)
        if worker.setup.duration_s is not None:
            text = "How long the last setup took"
            yield GaugeMetricFamily("cog_setup_seconds", text, worker.setup.duration_s)
        text = "Workers that died by themselves or were killed"
        yield CounterMetricFamily("cog_worker_deaths", text, worker.died_count)
        text = "Workers replaced after COG_MAX_PREDICTIONS or above COG_MAX_WORKER_MB"
        yield CounterMetricFamily("cog_worker_replacements", text, worker.retired_count)


def _histogram(name: str, text: str, counted: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip([*map(str, BOUNDS_S), "+Inf"], counted.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=counted.sum_s)
