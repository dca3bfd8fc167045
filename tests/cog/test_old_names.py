"""Small modules that only old models import."""

import json
import logging
from pathlib import Path

from cog.json import make_encodeable
from cog.logging import setup_logging
from cog.mode import Mode


def test_make_encodeable_leaves_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"

    result = make_encodeable({"file": path, "numbers": {1}})

    assert result == {"file": path, "numbers": [1]}
    assert json.dumps(result["numbers"]) == "[1]"


def test_setup_logging_leaves_loggers_of_the_model_alone() -> None:
    of_the_model = logging.NullHandler()
    logging.getLogger().addHandler(of_the_model)
    before = list(logging.getLogger().handlers)

    setup_logging(log_level=logging.DEBUG)

    after = list(logging.getLogger().handlers)
    logging.getLogger().removeHandler(of_the_model)
    assert after == before


def test_modes_are_written_as_in_requests() -> None:
    assert [str(mode) for mode in Mode] == ["predict", "train"]
