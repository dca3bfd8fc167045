"""What gets into the log, and what must not."""

import asyncio
import io
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from coghub.domain.account import Account
from coghub.domain.audit import Via, answering, identify
from coghub.domain.ids import new_key
from coghub.serving.log_lines import log_to


@pytest.fixture
def log():
    """The lines of a log at `info`; what was set up before is set up again afterwards."""
    root, uvicorn = logging.root, logging.getLogger("uvicorn")
    before = structlog.get_config(), root.handlers[:], root.level, uvicorn.level
    stream = io.StringIO()
    log_to(stream, level="info")
    yield stream
    config, root.handlers[:], root.level, uvicorn.level = before
    structlog.configure(**config)


@pytest.fixture
def objects(log):
    """Return the lines of a log in JSON."""
    log_to(log, level="info", is_json=True)
    return lambda: [json.loads(line) for line in log.getvalue().splitlines()]


def fields_of(line: str) -> str:
    """Return a line without its time."""
    time, _, rest = line.partition(" ")
    assert time.startswith("time=2")
    return rest


def raised(message: str) -> ValueError:
    """Return an error with a traceback."""
    with pytest.raises(ValueError, match=r".") as caught:
        raise ValueError(message)
    return caught.value


def test_a_line_has_the_level_the_event_and_the_values(log):
    structlog.get_logger().info("instance ready", instance_id="i1", setup_s=4.5, is_warm=True)

    assert fields_of(log.getvalue()) == (
        'level=INFO event="instance ready" instance_id=i1 setup_s=4.5 is_warm=true\n'
    )


def test_what_is_below_the_level_is_left_out(log):
    structlog.get_logger().debug("tick")
    logging.getLogger("other").info("hello")

    assert log.getvalue() == ""


def test_a_traceback_follows_its_line(log):
    structlog.get_logger().error("tick failed", exc_info=raised("boom"))

    first, *rest = log.getvalue().splitlines()
    assert fields_of(first) == 'level=ERROR event="tick failed"'
    assert rest[0] == "  Traceback (most recent call last):"
    assert rest[-1] == "  ValueError: boom"


def test_no_token_gets_into_the_log(log):
    token = "chub_abcDEF-123_456"
    url = f"http://h/?token={token}"
    structlog.get_logger().error("failed", exc_info=raised(token), url=url)
    logging.getLogger("other").error("it was %s", token)

    assert "abcDEF" not in log.getvalue()
    assert log.getvalue().count("chub_…") >= 3


def test_no_key_of_a_url_gets_into_the_log(log):
    key, digest = new_key(), "ab" * 32
    structlog.get_logger().error("request failed", path=f"/files/{key}/x.png", version_id=digest)

    assert key not in log.getvalue()
    assert fields_of(log.getvalue()) == (
        f'level=ERROR event="request failed" path=/files/…/x.png version_id={digest}\n'
    )


def test_a_value_cannot_forge_a_line(log):
    structlog.get_logger().info("seen", name='x"\nlevel=ERROR event=forged\r\x1b[2J')

    assert log.getvalue().count("\n") == 1
    assert "\r" not in log.getvalue()
    assert "\x1b" not in log.getvalue()


def test_warnings_of_libraries_look_the_same(log):
    logging.getLogger("asyncio").warning("slow %s", "callback")

    assert fields_of(log.getvalue()) == 'level=WARNING event="slow callback"\n'


def test_a_mistake_in_a_request_is_logged_and_one_that_a_stop_cut_off_is_not(log):
    uvicorn = logging.getLogger("uvicorn.error")

    uvicorn.error("Cancel %s running task(s)", 1)
    uvicorn.error("Exception in ASGI application", exc_info=asyncio.CancelledError())
    assert log.getvalue() == ""

    uvicorn.error("Exception in ASGI application", exc_info=raised("boom"))
    assert log.getvalue().endswith("  ValueError: boom\n")


def test_a_reader_that_went_away_stops_nothing(log):
    log.close()

    structlog.get_logger().info("still here")


def test_a_line_about_a_request_names_its_account(log):
    account = Account(7, "alice", is_admin=False, created_at=datetime.now(UTC))
    with answering(Via.API):
        structlog.get_logger().error("request failed")
        identify(account)
        structlog.get_logger().error("request failed")
        structlog.get_logger().error("webhook given up", account_id=8)
    structlog.get_logger().error("tick failed")

    assert [fields_of(line).partition('" ')[2] for line in log.getvalue().splitlines()] == [
        "",
        "account_id=7",
        "account_id=8",
        "",
    ]


def test_in_json_each_line_is_an_object_that_begins_with_time_level_and_event(log, objects):
    structlog.get_logger().info("instance ready", instance_id="i1", setup_s=4.5, is_warm=True)
    logging.getLogger("other").error("first\nsecond \x1b[31m")

    ready, other = objects()
    assert list(ready) == ["time", "level", "event", "instance_id", "setup_s", "is_warm"]
    assert (ready["level"], ready["setup_s"], ready["is_warm"]) == ("INFO", 4.5, True)
    assert other["event"] == "first\nsecond \x1b[31m"
    assert "\x1b" not in log.getvalue()


def test_in_json_a_traceback_is_part_of_its_object(objects):
    structlog.get_logger().error("tick failed", exc_info=raised("boom"))

    [line] = objects()
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: boom")


def test_no_secret_gets_into_json(log, objects):
    token, key = "chub_abcDEF-123_456", new_key()
    structlog.get_logger().error("failed", exc_info=raised(f"\n{token}\n{key}"), path=f"/{key}")
    logging.getLogger("other").error("it was %s\n%s", token, key)

    assert len(objects()) == 2
    assert "abcDEF" not in log.getvalue()
    assert key not in log.getvalue()


def test_in_json_whatever_is_logged_becomes_a_line(objects):
    structlog.get_logger().info(
        "odd", path=Path("/a"), when=datetime(2026, 5, 1, tzinfo=UTC), of=None
    )

    [line] = objects()
    assert (line["path"], line["of"]) == ("/a", None)
