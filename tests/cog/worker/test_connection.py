"""The worker's end of the socket."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cog.worker import frames
from cog.worker.connection import Connection
from cog.worker.messages import Cancel, CheckHealth, Log, Predict


class Pair:
    """A connection, and the other end of its socket."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.settimeout(10)
        self.connection = Connection(self.theirs.fileno(), spill_directory="")

    def say(self, *messages: Any) -> None:
        self.ours.sendall(b"".join(frames.encode(it, spill_directory="") for it in messages))

    def hear(self, count: int) -> list[Any]:
        splitter, heard = frames.FrameSplitter(), []
        while len(heard) < count:
            heard += [frames.decode(*frame) for frame in splitter.feed(self.ours.recv(65536))]
        return heard


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.ours.close()
    pair.theirs.close()


def test_messages_come_in_order(pair: Pair) -> None:
    said = [Predict(1, "a", {}), Cancel(1), CheckHealth(2)]
    pair.say(*said)

    assert [pair.connection.receive() for _ in said] == said


def test_the_end_of_the_stream_is_none(pair: Pair) -> None:
    pair.say(Cancel(1))
    pair.ours.close()

    assert [pair.connection.receive(), pair.connection.receive()] == [Cancel(1), None]
    assert pair.connection.is_ended


def test_looking_for_a_cancel_keeps_everything_else(pair: Pair) -> None:
    pair.say(Cancel(1), Predict(3, "b", {}), Cancel(2), Cancel(3))
    pair.connection.read_waiting()

    assert pair.connection.take_cancel(2)
    assert not pair.connection.take_cancel(2)
    assert pair.connection.take_received() == [Predict(3, "b", {}), Cancel(3)]


def test_reading_what_waits_does_not_wait(pair: Pair) -> None:
    pair.connection.read_waiting()

    assert not pair.connection.has_received


def test_a_stream_of_garbage_is_as_good_as_ended(pair: Pair, capfd: Any) -> None:
    pair.ours.sendall(b"GET / HTTP/1.1\r\n\r\n")

    assert pair.connection.receive() is None
    assert "Not a frame" in capfd.readouterr().err


def test_an_input_that_is_nested_too_deeply_fails_alone(pair: Pair) -> None:
    body = b'{"seq":7,"id":"","input":' + b"[" * 40_000 + b"]" * 40_000 + b"}"
    pair.ours.sendall(frames.HEAD.pack(len(body), 0) + body)
    pair.connection.read_waiting()
    pair.say(Cancel(8))

    assert pair.connection.receive() == Cancel(8)
    (completed,) = pair.hear(1)
    assert (completed.seq, completed.status) == (7, "failed")
    assert "nested too deeply" in completed.error


def test_threads_do_not_mix_their_frames(pair: Pair) -> None:
    def send(seq: int) -> None:
        for _ in range(50):
            pair.connection.send(Log(seq, "stdout", "x" * 5000))

    threads = [threading.Thread(target=send, args=(seq,)) for seq in range(1, 5)]
    for thread in threads:
        thread.start()

    heard = pair.hear(200)
    for thread in threads:
        thread.join()

    assert sorted(log.seq for log in heard) == [seq for seq in range(1, 5) for _ in range(50)]


def test_sending_while_sending_on_the_same_thread_comes_after(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the garbage collector runs a `__del__` that prints, in the middle of a write."""
    write, interruptions = os.write, [Log(2, "stdout", "from __del__")]

    def interrupted(descriptor: int, content: memoryview) -> int:
        written = write(descriptor, content[:3])
        while interruptions:
            pair.connection.send(interruptions.pop())
        return written

    monkeypatch.setattr(os, "write", interrupted)
    pair.connection.send(Log(1, "stdout", "interrupted"))
    monkeypatch.undo()

    assert [log.seq for log in pair.hear(2)] == [1, 2]


def test_a_forked_child_is_mute_and_deaf(pair: Pair) -> None:
    pair.say(Cancel(1))
    pair.connection.read_waiting()
    descriptor = os.dup(pair.theirs.fileno())
    pair.connection.abandon()

    pair.connection.send(Log(1, "stdout", "from the child"))

    assert pair.connection.receive() is None
    pair.theirs.detach()
    os.close(descriptor)
    assert pair.ours.recv(10) == b""


def test_a_childs_own_child_closes_no_file_that_took_the_sockets_number(pair: Pair) -> None:
    pair.connection.abandon()
    number = pair.theirs.detach()
    os.dup2(pair.ours.fileno(), number)

    pair.connection.abandon()

    assert os.fstat(number)
    os.close(number)
