import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from coghub.build.interrupts import uninterrupted


def test_a_signal_waits_until_the_block_is_done():
    done = []

    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012 - the block is the claim
        signal.raise_signal(signal.SIGINT)
        done.append("the rest")

    assert done == ["the rest"]


def test_nothing_is_left_changed():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    with uninterrupted():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_error_inside_comes_out_as_it_is():
    with pytest.raises(ValueError, match="mine"), uninterrupted():
        raise ValueError("mine")


def test_a_thread_that_is_never_interrupted_may_use_it_too():
    def use():
        with uninterrupted():
            return "done"

    with ThreadPoolExecutor() as threads:
        assert threads.submit(use).result() == "done"
