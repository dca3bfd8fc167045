"""The worker's flags and environment."""

from pathlib import Path

import pytest

from cog.worker.settings import read_settings, slots

NEEDED = ["--socket", "3", "--exchange", "/tmp/x"]


def test_flags_come_in_pairs() -> None:
    flags = [*NEEDED, "--train", "t.py:train", "--mode", "train", "--life", "4"]

    settings = read_settings(flags, {"COG_WEIGHTS": "w", "COG_MAX_CONCURRENCY": "2"})

    assert (settings.socket, settings.exchange, settings.life) == (3, "/tmp/x", 4)
    assert (settings.predict, settings.reference, settings.mode) == (None, "t.py:train", "train")
    assert (settings.weights, settings.max_concurrency) == ("w", "2")


def test_what_is_not_given_is_none() -> None:
    settings = read_settings([*NEEDED, "--predict", "p.py"], {"COG_WEIGHTS": ""})

    assert (settings.reference, settings.mode, settings.life) == ("p.py", "predict", None)
    assert (settings.weights, settings.max_concurrency) == (None, None)


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--socket", "3"],
        ["--socket", "x", "--exchange", "y"],
        [*NEEDED, "--colour", "red"],
    ],
)
def test_without_the_servers_flags_it_says_who_starts_it(flags: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"started by cog\.server"):
        read_settings(flags, {})


@pytest.mark.parametrize(
    ("environ", "source", "may"),
    [
        ({"COG_MAX_CONCURRENCY": "4"}, "", True),
        ({"COG_MAX_CONCURRENCY": "1"}, "@concurrent(max=4)", False),
        ({}, "from cog import concurrent as many", True),
        ({}, "", False),
    ],
)
def test_whether_predictions_may_overlap_is_known_before_the_import(
    tmp_path: Path, environ: dict[str, str], source: str, *, may: bool
) -> None:
    model = tmp_path / "predict.py"
    model.write_text(source)

    settings = read_settings([*NEEDED, "--predict", f"{model}:Predictor"], environ)

    assert settings.may_overlap() is may


def test_a_model_that_is_missing_cannot_overlap() -> None:
    assert not read_settings([*NEEDED, "--predict", "absent.py"], {}).may_overlap()


@pytest.mark.parametrize(
    ("written", "declared", "count"),
    [
        (None, None, 1),
        (None, 8, 8),
        ("4", None, 4),
        ("4", 8, 4),
        ("1", 8, 1),
        ("0", None, 1),
        ("-3", 8, 1),
        ("many", 8, 1),
        ("", 8, 1),
    ],
)
def test_the_environment_overrules_the_decorator(
    written: str | None, declared: int | None, count: int
) -> None:
    assert slots(written, declared=declared) == count
