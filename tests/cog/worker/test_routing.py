"""Printed text finds its prediction."""

import io
from contextvars import copy_context
from typing import Any

import pytest

from cog.worker import routing
from cog.worker.messages import Log
from cog.worker.routing import MAX_TEXT, PredictionLog, RoutedStream


class Recording:
    """A connection that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[Log] = []
        self.is_foreign = False

    def send(self, *messages: Log) -> None:
        self.sent += messages

    @property
    def texts(self) -> list[str]:
        return [log.text for log in self.sent]


@pytest.fixture
def connection() -> Recording:
    return Recording()


@pytest.fixture
def pipe() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def stream(pipe: io.StringIO) -> RoutedStream:
    return RoutedStream("stdout", pipe)


def in_prediction(log: PredictionLog, function: Any, *args: Any) -> None:
    def entered() -> None:
        routing.current.set(log)
        function(*args)

    copy_context().run(entered)


def test_lines_are_sent_whole(connection: Any, stream: RoutedStream) -> None:
    log = PredictionLog(7, connection)

    for text in ["a", "b\n", "c"]:
        in_prediction(log, stream.write, text)

    assert connection.sent == [Log(7, "stdout", "ab\n")]
    log.end()
    assert connection.texts == ["ab\n", "c"]


def test_flushing_sends_the_beginning_of_a_line(connection: Any, stream: RoutedStream) -> None:
    log = PredictionLog(7, connection)

    in_prediction(log, stream.write, "50%")
    in_prediction(log, stream.flush)

    assert connection.texts == ["50%"]


def test_without_a_prediction_text_stays_in_the_pipe(
    connection: Any, stream: RoutedStream, pipe: io.StringIO
) -> None:
    stream.writelines(["a", "b"])

    assert pipe.getvalue() == "ab"
    assert connection.sent == []


def test_after_the_end_text_stays_in_the_pipe(
    connection: Any, stream: RoutedStream, pipe: io.StringIO
) -> None:
    log = PredictionLog(7, connection)
    log.end()

    in_prediction(log, stream.write, "late")

    assert (pipe.getvalue(), connection.sent) == ("late", [])


def test_a_forked_child_prints_into_the_pipe(
    connection: Any, stream: RoutedStream, pipe: io.StringIO
) -> None:
    log = PredictionLog(7, connection)
    connection.is_foreign = True

    in_prediction(log, stream.write, "from the child")

    assert (pipe.getvalue(), connection.sent) == ("from the child", [])


def test_long_texts_are_cut(connection: Any) -> None:
    PredictionLog(7, connection).write("stderr", "x" * (MAX_TEXT + 1))

    assert [len(text) for text in connection.texts] == [MAX_TEXT, 1]


def test_bytes_are_text_too(connection: Any, stream: RoutedStream) -> None:
    log = PredictionLog(7, connection)

    in_prediction(log, stream.buffer.write, b"\xc3\xa4\xff\n")

    assert connection.texts == ["ä\ufffd\n"]


def test_it_cannot_be_closed_and_passes_for_a_text_file(
    connection: Any, stream: RoutedStream
) -> None:
    stream.close()
    stream.buffer.close()
    stream.reconfigure(line_buffering=True)

    assert not stream.closed
    assert (stream.writable(), stream.isatty(), stream.encoding) == (True, False, "utf-8")
