"""Numbers as Prometheus reads them. Names end in their unit, and counters in `_total`.

Source: Prometheus, "Metric and label naming".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from coghub.domain.live import LiveNow
from coghub.domain.statistics import BOUNDS_S, Histogram
from coghub.monitoring.numbers import Gathered

MEDIA_TYPE = CONTENT_TYPE_LATEST
STORED = {
    "Layers and manifests of models": "blobs",
    "Files of predictions": "prediction_files",
    "Uploaded files": "uploaded_files",
}
"""As pages call it → as a label does."""
_Labeled = tuple[Sequence[str], float]
"""The values of the labels, and the number."""


def text(gathered: Gathered) -> bytes:
    """Return all numbers, with those of the process."""
    registry = CollectorRegistry()
    registry.register(_Numbers(gathered))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._of_predictions()
        yield from self._of_instances()
        yield from self._of_requests()
        yield from self._of_space()
        if self._gathered.now is not None:
            yield from _of_now(self._gathered.now)

    def _of_predictions(self) -> Iterator[Metric]:
        counted = self._gathered.statistics
        said = "Predictions that have ended, also while they waited"
        ended = {(status,): count for status, count in self._gathered.ended_by_status.items()}
        yield _counter("coghub_predictions", said, ("status",), ended.items())
        said = "Predictions that ended on an instance"
        yield _counter("coghub_runs", said, ("model", "hardware", "status"), counted.runs.items())
        said = "From a prediction's making to its start"
        yield _histograms("coghub_queue_seconds", said, "hardware", counted.waited)
        said = "From a prediction's start to its end"
        yield _histograms("coghub_prediction_seconds", said, "hardware", counted.ran)
        webhooks = {(outcome,): count for outcome, count in counted.webhooks.items()}
        said = "Calls about ended predictions"
        yield _counter("coghub_webhook_attempts", said, ("outcome",), webhooks.items())

    def _of_instances(self) -> Iterator[Metric]:
        counted = self._gathered.statistics
        said = "From the wish for an instance to its being ready"
        yield _histograms("coghub_instance_boot_seconds", said, "hardware", counted.boots)
        said = "Instances that could not become ready"
        failures = {(sku,): count for sku, count in counted.boot_failures.items()}
        yield _counter("coghub_instance_boot_failures", said, ("hardware",), failures.items())
        said = "Instances that were ready, and ended without being told to"
        deaths = {(sku,): count for sku, count in counted.deaths.items()}
        yield _counter("coghub_instance_deaths", said, ("hardware",), deaths.items())
        said = "Instances that may be there at once"
        room = {(it.sku,): it.capacity for it in self._gathered.hardware}
        yield _gauge("coghub_hardware_capacity", said, ("hardware",), room.items())

    def _of_requests(self) -> Iterator[Metric]:
        counted = self._gathered.statistics
        said = "Answers of the hub; those with a status from 500 on are its own mistakes"
        requests = {(*key[:2], str(key[2])): count for key, count in counted.requests.items()}
        yield _counter(
            "coghub_http_requests", said, ("surface", "method", "status"), requests.items()
        )
        said = "From a request to the beginning of its answer"
        yield _histograms("coghub_http_answer_seconds", said, "surface", counted.answered)
        moved = {
            **{(surface, "in"): count for surface, count in counted.received_bytes.items()},
            **{(surface, "out"): count for surface, count in counted.sent_bytes.items()},
        }
        said = "Bytes of bodies that went in and out"
        yield _counter("coghub_http_body_bytes", said, ("surface", "direction"), moved.items())

    def _of_space(self) -> Iterator[Metric]:
        gathered = self._gathered
        sizes = {(STORED.get(name, name),): it[1] for name, it in gathered.stored.items()}
        yield _gauge("coghub_stored_bytes", "Bytes that are kept", ("kind",), sizes.items())
        numbers = {(STORED.get(name, name),): it[0] for name, it in gathered.stored.items()}
        yield _gauge("coghub_stored_objects", "Objects that are kept", ("kind",), numbers.items())
        counts = {(name.lower(),): count for name, count in gathered.counts.items()}
        yield _gauge(
            "coghub_rows", "Accounts, models, versions, instances", ("kind",), counts.items()
        )
        said = "Of the disk that the data folder is on"
        yield GaugeMetricFamily("coghub_disk_free_bytes", said, gathered.disk_free_bytes)
        yield GaugeMetricFamily("coghub_disk_total_bytes", said, gathered.disk_total_bytes)


def _of_now(now: LiveNow) -> Iterator[Metric]:
    yield GaugeMetricFamily("coghub_queue_predictions", "Predictions that wait", now.waiting)
    said = "How long the oldest of them has waited"
    yield GaugeMetricFamily("coghub_queue_oldest_seconds", said, now.oldest_s)
    said = "Predictions that an instance works on"
    yield GaugeMetricFamily("coghub_predictions_running", said, now.running)
    said = "Instances that are there"
    yield _gauge("coghub_instances", said, ("hardware", "stage"), now.instances.items())


def _counter(name: str, said: str, labels: tuple[str, ...], counts: Iterable[_Labeled]) -> Metric:
    family = CounterMetricFamily(name, said, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family


def _gauge(name: str, said: str, labels: tuple[str, ...], values: Iterable[_Labeled]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=labels)
    for each, value in values:
        family.add_metric(each, value)
    return family


def _histograms(name: str, said: str, label: str, counted: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(name, said, labels=(label,))
    for value, histogram in counted.items():
        buckets, total = list[tuple[str, float]](), 0
        for bound, count in zip([*map(str, BOUNDS_S), "+Inf"], histogram.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric((value,), buckets, histogram.sum_s)
    return family
