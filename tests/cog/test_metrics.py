"""Names, types and modes of metrics."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.metrics import MAX_NAME_LENGTH, Metrics, check_name

Call = tuple[str, object, str]

BROKEN_NAMES = [
    ("", "metric name must not be empty"),
    ("predict_time", "'predict_time' is reserved by the runtime"),
    ("cog.x", "the 'cog.' prefix is reserved for system metrics"),
    ("q" * 129, "metric name must be 128 characters or fewer (got 129 characters)"),
    ("a.b.c.d.e", "metric name must have at most 4 dot-separated segments (got 5)"),
    (".a", "metric name must not start with a dot"),
    ("a.", "metric name must not end with a dot"),
    ("a..b", "metric name must not contain empty segments (consecutive dots)"),
    ("1a", "metric name segment '1a' must start with a letter"),
    ("a.1", "metric name segment '1' must start with a letter"),
    ("é", "metric name segment 'é' must start with a letter"),
    ("a-b", "metric name segment 'a-b' contains invalid character '-'"),
    ("aé", "metric name segment 'aé' contains invalid character 'é'"),
    ("a__b", "metric name segment 'a__b' must not contain consecutive underscores"),
    ("a_", "metric name segment 'a_' must end with a letter or digit"),
]
SEGMENT = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


@pytest.fixture
def calls() -> list[Call]:
    return []


@pytest.fixture
def metrics(calls: list[Call]) -> Metrics:
    return Metrics(lambda *call: calls.append(call))


@pytest.mark.parametrize(("name", "message"), BROKEN_NAMES)
def test_a_broken_name_is_refused_with_its_rule(
    metrics: Metrics, calls: list[Call], name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        metrics.record(name, 1)

    assert calls == []


def test_a_name_is_a_text(metrics: Metrics) -> None:
    with pytest.raises(TypeError, match="metric name must be a string, not int"):
        metrics.record(5, 1)


@pytest.mark.parametrize(
    "name", ["a", "Total", "cog", "a.b.c.d", "predict_time.x", "t_1", "w" * 128]
)
def test_a_good_name_is_accepted(metrics: Metrics, name: str) -> None:
    metrics.record(name, 1)

    assert metrics[name] == 1


@given(st.text(st.sampled_from("aZ9_.é- "), max_size=12) | st.text(max_size=140))
def test_the_rules_accept_what_the_pattern_of_names_accepts(name: str) -> None:
    segments = name.split(".")
    is_good = (
        all(SEGMENT.fullmatch(segment) for segment in segments)
        and len(segments) <= 4
        and len(name) <= MAX_NAME_LENGTH
        and name != "predict_time"
        and not name.startswith("cog.")
    )

    try:
        check_name(name)
    except ValueError:
        assert not is_good
    else:
        assert is_good


@pytest.mark.parametrize("value", [True, 1, 2**70, 1.5, "x", [1, "a"], {"a": [None]}])
def test_values_of_json_are_passed_on(metrics: Metrics, calls: list[Call], value: object) -> None:
    metrics.record("m", value)

    assert calls == [("m", value, "replace")]


@pytest.mark.parametrize("value", [None, (1,), b"x", object()])
def test_a_value_of_another_type_is_refused(metrics: Metrics, value: object) -> None:
    kind = type(value).__name__
    message = (
        f"Unsupported metric value type: {kind}. Expected bool, int, float, str, list, or dict."
    )

    with pytest.raises(TypeError, match=re.escape(message)):
        metrics.record("m", value)


def test_a_list_that_is_not_json_is_refused(metrics: Metrics) -> None:
    with pytest.raises(TypeError, match="Cannot convert metric value to JSON"):
        metrics.record("m", [object()])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, float("nan")]])
def test_a_number_without_json_is_left_out_with_a_warning(
    metrics: Metrics, calls: list[Call], value: object
) -> None:
    """A loss that is NaN does not fail a training."""
    with pytest.warns(UserWarning, match="metric 'loss' is left out"):
        metrics.record("loss", value)

    assert calls == []
    assert "loss" not in metrics


@pytest.mark.parametrize(
    ("mode", "normal"),
    [(None, "replace"), ("replace", "replace"), ("incr", "increment"), ("append", "append")],
)
def test_modes_have_one_name_on_the_wire(
    metrics: Metrics, calls: list[Call], mode: str | None, normal: str
) -> None:
    metrics.record("m", 1, mode)

    assert calls == [("m", 1, normal)]


@pytest.mark.parametrize("mode", ["add", [], 1])
def test_another_mode_is_refused(metrics: Metrics, mode) -> None:
    with pytest.raises(TypeError, match=r"^Invalid metric mode: "):
        metrics.record("m", 1, mode)


@pytest.mark.parametrize(("value", "kind"), [("s", "str"), (True, "bool"), ([1], "list")])
def test_only_numbers_are_added(metrics: Metrics, value: object, kind: str) -> None:
    with pytest.raises(TypeError, match=f"^Increment mode requires int or float, got {kind}$"):
        metrics.record("m", value, "increment")


def test_a_name_keeps_its_type_until_it_is_deleted(metrics: Metrics) -> None:
    metrics["k"] = 1

    with pytest.raises(
        TypeError, match=r"^Metric 'k' has type int, cannot set to str without deleting first$"
    ):
        metrics["k"] = "x"

    del metrics["k"]
    metrics["k"] = "x"
    assert metrics["k"] == "x"


def test_values_can_be_read_back(metrics: Metrics) -> None:
    metrics.record("count", 1, "incr")
    metrics.record("count", 2, "incr")
    metrics.record("one", 1)
    metrics.record("one", 2, "append")
    metrics.record("many", [1], "append")
    metrics.record("many", [2], "append")

    assert dict(metrics) == {"count": 3, "one": [1, 2], "many": [[1], [2]]}
    assert len(metrics) == 3
    assert repr(metrics).startswith("Metrics({'count': 3")


def test_deleting_is_passed_on_as_none(metrics: Metrics, calls: list[Call]) -> None:
    metrics["k"] = 1
    metrics["k"] = None
    metrics.delete("never")

    assert calls[1:] == [("k", None, "replace"), ("never", None, "replace")]
    assert "k" not in metrics


def test_a_float_of_a_library_is_a_float(metrics: Metrics) -> None:
    numpy = pytest.importorskip("numpy")

    metrics["loss"] = numpy.float64(0.5)
    metrics["loss"] = 0.25

    assert metrics["loss"] == 0.25
