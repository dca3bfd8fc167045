"""Frames on a stream, however it was chopped, and whatever is no frame."""

import contextlib
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cog.worker import frames
from cog.worker.messages import (
    Cancel,
    CheckHealth,
    Completed,
    FromWorker,
    Health,
    Loaded,
    Log,
    Metric,
    Output,
    OutputFile,
    Predict,
    SetupFinished,
    ShutDown,
    ToWorker,
)

texts = st.text(max_size=30)
seqs = st.integers(min_value=1, max_value=2**53)
json_values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json_values, max_size=3)
places = st.lists(texts | st.integers(0, 9), max_size=3)
messages = st.one_of(
    st.builds(Predict, seqs, texts, objects, st.lists(places, max_size=2)),
    st.builds(Cancel, seqs),
    st.builds(CheckHealth, seqs),
    st.builds(ShutDown),
    st.builds(Loaded, objects, seqs, st.booleans(), st.booleans(), texts),
    st.builds(SetupFinished, st.none() | texts),
    st.builds(Log, seqs, st.sampled_from(["stdout", "stderr"]), texts),
    st.builds(Metric, seqs, texts, json_values, texts),
    st.builds(
        Output,
        seqs,
        json_values,
        st.lists(st.builds(OutputFile, places, texts, texts, st.booleans()), max_size=2),
        st.booleans(),
    ),
    st.builds(Completed, seqs, texts, st.floats(0, 1e6), st.none() | texts, st.booleans()),
    st.builds(Health, seqs, st.none() | texts),
)


def test_every_message_has_a_kind() -> None:
    assert set(frames.KINDS) == {*get_args(ToWorker), *get_args(FromWorker)}


@given(said=st.lists(messages, max_size=5), size=st.integers(1, 64))
def test_messages_survive_any_chopping_of_the_stream(said: list[Any], size: int) -> None:
    stream = b"".join(frames.encode(message, spill_directory="") for message in said)
    splitter = frames.FrameSplitter()

    heard = [
        frames.decode(*frame)
        for start in range(0, len(stream), size)
        for frame in splitter.feed(stream[start : start + size])
    ]

    assert heard == said


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_waited_for(garbage: bytes) -> None:
    splitter = frames.FrameSplitter()

    with contextlib.suppress(frames.FrameError):
        for frame in splitter.feed(garbage):
            frames.decode(*frame)


@given(kind=st.integers(0, 255), body=st.binary(max_size=50) | objects.map(repr).map(str.encode))
def test_a_body_that_is_not_the_kinds_fields_is_one_error(kind: int, body: bytes) -> None:
    with contextlib.suppress(frames.FrameError):
        frames.decode(kind, body)


@settings(max_examples=20)
@given(st.integers(frames.MAX_INLINE_BYTES - 60, frames.MAX_INLINE_BYTES + 60))
def test_large_bodies_go_through_files_that_are_removed(
    tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    message = Output(1, "x" * length)

    frame = frames.encode(message, spill_directory=str(folder))
    was_spilled = bool(list(folder.iterdir()))
    ((kind, body),) = frames.FrameSplitter().feed(frame)

    assert was_spilled == (len(frame) < 1000)
    assert frames.decode(kind, body) == message
    assert not list(folder.iterdir())


def test_a_large_body_whose_file_is_gone_is_an_error(tmp_path: Path) -> None:
    frame = frames.encode(Output(1, "x" * 2**21), spill_directory=str(tmp_path))
    next(tmp_path.iterdir()).unlink()

    with pytest.raises(frames.FrameError, match="cannot be read"):
        list(frames.FrameSplitter().feed(frame))


@pytest.mark.parametrize(
    ("value", "error"),
    [(object(), TypeError), (b"x", TypeError), (float("nan"), ValueError), ({1, 2}, TypeError)],
)
def test_what_is_no_json_is_refused_before_anything_is_sent(
    value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        frames.encode(Metric(1, "m", value, "replace"), spill_directory="")


def test_half_characters_become_replacement_marks_and_pairs_become_whole() -> None:
    frame = frames.encode(Output(1, "a\ud800b \ud83d\ude00"), spill_directory="")

    ((kind, body),) = frames.FrameSplitter().feed(frame)

    assert frames.decode(kind, body).value == "a\ufffdb \U0001f600"


def test_json_that_is_nested_too_deeply_is_an_error() -> None:
    body = b'{"seq":7, "id": "", "input": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

    with pytest.raises(frames.TooDeep) as caught:
        frames.decode(0, body)

    assert caught.value.seq == 7
