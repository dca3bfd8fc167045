from datetime import UTC, datetime
from pathlib import Path

import pytest

from coghub.build.environment import EnvironmentRecord
from coghub.cli.env import line_of, size_of, size_text
from coghub.domain.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("500", 500), ("1k", 1000), ("20GB", 20 * 1000**3), ("1.5 MB", 1_500_000)],
)
def test_a_budget_is_read_with_its_unit(text, size_bytes):
    assert size_of(text) == size_bytes


@pytest.mark.parametrize("text", ["", "GB", "-1", "1PB", "ten"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError):
        size_of(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (2.34e9, "2.3 GB"), (5e15, "5000.0 TB")],
)
def test_a_size_is_shown_in_the_unit_that_suits_it(size_bytes, text):
    assert size_text(size_bytes) == text


def record(requirements):
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return EnvironmentRecord(
        key="3.12.1-abc",
        folder=Path("abc"),
        python_version="3.12.1",
        requirements=tuple(requirements),
        size_bytes=1500,
        created_at=moment,
        used_at=moment,
        is_in_use=True,
    )


@pytest.mark.parametrize(
    ("requirements", "shown"),
    [([], "no packages"), (["a", "b"], "a, b"), ("abcdefgh", "a, b, c, d, e and 3 more")],
)
def test_an_environment_is_one_short_line(requirements, shown):
    assert line_of(record(requirements)) == (
        f"3.12.1-abc  Python 3.12.1     1.5 KB  used 2026-01-02 03:04 UTC (in use)  {shown}\n"
    )
