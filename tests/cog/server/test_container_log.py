"""What the container says."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.server.container_log import (
    MAX_FIELD_CHARACTERS,
    MAX_LINE_CHARACTERS,
    TRUNCATED,
    ContainerLog,
    LineAssembler,
)
from cog.server.prints import Prints
from cog.server.settings import LEVELS


@pytest.fixture
def said(tmp_path):
    """Make a log, and read what it wrote."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)

    class Said:
        def log(self, *, is_console=False, level="info") -> ContainerLog:
            return ContainerLog(level=LEVELS[level], is_console=is_console, descriptor=descriptor)

        @property
        def text(self) -> str:
            return path.read_text()

        @property
        def entries(self) -> list[dict]:
            return [json.loads(line) for line in self.text.splitlines()]

    yield Said()
    os.close(descriptor)


def test_an_entry_has_the_keys_that_tools_read(said):
    said.log().info("Server ready", num_slots=2)

    (entry,) = said.entries
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "level": "INFO",
        "fields": {"message": "Server ready", "num_slots": 2},
        "target": "coglet",
    }


def test_a_person_reads_text_and_the_models_words_as_they_are(said):
    log = said.log(is_console=True)

    log.warning("Careful", pause_s=1)
    log.echo("stdout", ["from the model"], prediction_id="p")

    first, second = said.text.splitlines()
    assert first.endswith("WARN  Careful pause_s=1")
    assert second == "from the model"


def test_less_than_the_level_is_not_said(said):
    log = said.log(level="error")

    log.warning("no")
    log.echo("stdout", ["no"], prediction_id=None)
    log.error("yes")

    assert [it["fields"]["message"] for it in said.entries] == ["yes"]


def test_half_a_character_is_no_reason_to_fail(said):
    said.log().info("Prediction failed", error="\ud800")

    assert said.entries[0]["fields"]["error"] == "?"


def test_nobody_has_to_read_it():
    ContainerLog(level=LEVELS["info"], is_console=False, descriptor=12345).info("hello")


def test_a_line_without_end_is_capped():
    lines = LineAssembler()
    for _ in range(5):
        assert lines.feed("x" * 1024**2) == []

    (line,) = lines.feed("y\n")

    assert line == "x" * MAX_LINE_CHARACTERS + TRUNCATED


@given(st.lists(st.text(alphabet="ab\n", max_size=6)))
def test_lines_are_the_same_however_the_text_was_cut(pieces):
    lines = LineAssembler()

    found = [line for piece in pieces for line in lines.feed(piece)] + lines.flush()

    text = "".join(pieces)
    expected = text.removesuffix("\n").split("\n") if text else []
    assert found == expected


def test_open_lines_are_said_when_the_prediction_ends(said):
    prints = Prints(said.log())
    prints.echo("stdout", "50%", prediction_id="p")
    prints.echo("stdout", "other\n", prediction_id="q")
    assert [it["fields"]["message"] for it in said.entries] == ["other"]

    prints.flush("p")

    assert said.entries[-1]["fields"] == {
        "message": "50%",
        "source": "stdout",
        "prediction_id": "p",
    }


def test_a_field_that_a_client_made_long_is_cut(said):
    said.log().info("Prediction failed", error="x" * 10_000_000, count=3)

    (entry,) = said.entries
    assert entry["fields"]["error"] == "x" * MAX_FIELD_CHARACTERS + "…"
    assert entry["fields"]["count"] == 3
