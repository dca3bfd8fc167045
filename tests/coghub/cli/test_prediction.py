import io

import pytest

from coghub.build.events import Notice, Progress, Step
from coghub.cli.output import Console
from coghub.cli.prediction import teller

EVENTS = [
    Step("Installing 2 packages"),
    Progress("Downloading torch (800.0MiB)"),
    Progress("Downloaded torch"),
    Progress("Building docopt==0.6.2"),
    Notice("libGL is missing here"),
]


@pytest.fixture
def told():
    """Return what is said of events on the way, without a terminal."""
    err = io.StringIO()
    console = Console(io.StringIO(), err)
    with console.step("Building environment...") as step:
        tell = teller(console, step)
        for event in EVENTS:
            tell(event)
    return err.getvalue().splitlines()


def test_a_log_file_names_the_steps_and_what_may_take_minutes(told):
    assert told == [
        "Building environment...",
        "Installing 2 packages",
        "Downloading torch (800.0MiB)",
        "Building docopt==0.6.2",
        "warning: libGL is missing here",
    ]
