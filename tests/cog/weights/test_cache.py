"""`WeightsCache`: whole files only, in a folder that keeps its limits, for many processes."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.cog.weights.file_server import serving
from tests.cog.weights.test_fetch import digest, tar_of

from cog.errors import FetchError
from cog.weights import WeightsCache, partial

ROOT = Path(__file__).parents[3]
MIB = 1024**2
FILES = {f"/{name}": name.encode() * MIB for name in "abcd"}
LARGE = os.urandom(50_000_000)
FETCH = """
import sys
from cog.weights import WeightsCache
print(WeightsCache(sys.argv[1]).fetch(sys.argv[2]))
"""


@pytest.fixture
def server():
    archive = tar_of(("model/weights.bin", b"w" * MIB, None), ("model/config.json", b"{}", None))
    with serving({**FILES, "/again": FILES["/a"], "/tar": archive, "/large": LARGE}) as running:
        yield running


@pytest.fixture
def cache(tmp_path):
    return WeightsCache(tmp_path / "cache", budget_bytes=3 * MIB, free_floor_bytes=0)


def names(cache):
    return [it.path.read_bytes()[:1].decode() for it in cache.usage().entries]


def start(cache, url):
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(cache.folder), url],
        env={"PYTHONPATH": str(ROOT / "sdk")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def wait_until(is_so):
    for _ in range(2000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


def test_a_file_is_asked_for_once_and_kept_by_its_content(server, cache, capsys):
    first = cache.fetch(f"{server.address}/a?token=x")
    assert "a: 100%" in capsys.readouterr().err
    assert cache.fetch(f"{server.address}/a") == first
    asked = server.asked["/a"]

    assert first.read_bytes() == FILES["/a"]
    assert first.name == digest(FILES["/a"])
    assert cache.fetch(f"{server.address}/a") == first
    assert cache.fetch(f"{server.address}/nowhere", sha256=digest(FILES["/a"]).upper()) == first
    assert cache.fetch(f"{server.address}/again") == first
    assert server.asked["/a"] == asked
    assert [it.path for it in cache.usage().entries] == [first]
    assert cache.usage().used_bytes == MIB


def test_what_one_fetched_with_a_token_another_asks_for_too(server, cache):
    path = cache.fetch(f"{server.address}/a", headers={"Authorization": "Bearer one"})
    asked = server.asked["/a"]

    assert cache.fetch(f"{server.address}/a", headers={"Authorization": "Bearer one"}) == path
    assert server.asked["/a"] == asked
    assert cache.fetch(f"{server.address}/a", headers={"Authorization": "Bearer two"}) == path
    assert cache.fetch(f"{server.address}/a") == path
    assert server.asked["/a"] > asked
    assert len(cache.usage().entries) == 1


def test_an_archive_is_kept_unpacked_beside_itself(server, cache):
    folder = cache.fetch(f"{server.address}/tar", unpack=True)
    file = cache.fetch(f"{server.address}/tar")

    assert (folder / "model" / "weights.bin").read_bytes() == b"w" * MIB
    assert file.read_bytes() == server.files["/tar"]
    assert {it.path for it in cache.usage().entries} == {folder, file}


def test_the_least_recently_used_goes_first(server, cache):
    for name in "abc":
        cache.fetch(f"{server.address}/{name}")
    cache.fetch(f"{server.address}/a")

    cache.fetch(f"{server.address}/d")

    assert names(cache) == ["c", "a", "d"]
    assert cache.usage().used_bytes == cache.budget_bytes
    assert not list((cache.folder / "trash").iterdir())
    assert cache.fetch(f"{server.address}/b").read_bytes() == FILES["/b"]


def test_what_is_pinned_or_in_use_stays(server, cache):
    pinned = cache.fetch(f"{server.address}/a")
    cache.pin(pinned)
    with cache.using(f"{server.address}/b") as used:
        for name in "cd":
            cache.fetch(f"{server.address}/{name}")
        assert used.exists()
        assert names(cache) == ["a", "b", "d"]
        cache.unpin(pinned)
    cache.fetch(f"{server.address}/c")
    assert names(cache) == ["b", "d", "c"]

    with pytest.raises(FileNotFoundError):
        cache.pin(pinned)


@pytest.mark.parametrize("has_size", [True, False])
def test_what_can_never_fit_is_refused_and_costs_nobody_a_place(server, cache, has_size):
    server.files["/huge"] = b"h" * 4 * MIB
    server.has_length = has_size
    server.has_ranges = has_size
    cache.fetch(f"{server.address}/a")

    with pytest.raises(FetchError, match=r"No room for 4,194,304 bytes in .*: http://"):
        cache.fetch(f"{server.address}/huge")

    assert names(cache) == ["a"]
    assert cache.usage().used_bytes == MIB
    assert not list((cache.folder / "incoming").iterdir())


def test_a_disk_that_would_get_too_full_is_spared(server, tmp_path):
    free = shutil.disk_usage(tmp_path).free
    cache = WeightsCache(tmp_path / "cache", free_floor_bytes=2 * free)

    with pytest.raises(FetchError, match=r"No room for 1,048,576 bytes"):
        cache.fetch(f"{server.address}/a")

    assert cache.usage().entries == []


def test_processes_that_want_the_same_fetch_it_once(server, cache):
    server.held = threading.Event()
    processes = [start(cache, f"{server.address}/a") for _ in range(4)]
    wait_until(lambda: server.asked["/a"] >= 2)
    server.held.set()

    paths = {it.communicate()[0] for it in processes}

    assert len(paths) == 1
    assert server.asked["/a"] == 2  # what it is, and its one piece


def test_threads_that_want_more_than_fits_keep_the_limit(server, cache):
    errors = []

    def fetch(name):
        try:
            for _ in range(5):
                with cache.using(f"{server.address}/{name}") as path:
                    assert path.read_bytes() == FILES[f"/{name}"]
        except FetchError as error:  # all the others may be in use at this moment
            errors.append(str(error))

    threads = [threading.Thread(target=fetch, args=name) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all("No room for 1,048,576 bytes" in it for it in errors)
    assert len(errors) < 4
    assert cache.usage().used_bytes <= cache.budget_bytes


def test_a_fetch_that_was_killed_leaves_no_half_file_and_is_taken_up(server, tmp_path):
    cache = WeightsCache(tmp_path / "cache", free_floor_bytes=0)
    server.held = threading.Event()
    killed = start(cache, f"{server.address}/large")
    wait_until(lambda: list((cache.folder / "incoming").glob("*.part")))
    wait_until(lambda: server.sent_bytes > len(LARGE))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()

    assert cache.usage().entries == []
    assert cache.usage().incoming_bytes == len(LARGE)
    server.held.set()
    assert cache.fetch(f"{server.address}/large").read_bytes() == LARGE
    assert cache.usage().incoming_bytes == 0


def test_what_a_killed_process_left_makes_room(server, tmp_path):
    cache = WeightsCache(tmp_path / "cache", budget_bytes=50 * MIB, free_floor_bytes=0)
    server.held = threading.Event()
    killed = start(cache, f"{server.address}/large")
    wait_until(lambda: list((cache.folder / "incoming").glob("*.part")))
    killed.kill()
    killed.communicate()
    server.held = None
    half_removed = cache.folder / "trash" / "x" / "tree"
    half_removed.mkdir(parents=True)

    for name in "abcd":
        cache.fetch(f"{server.address}/{name}")

    assert names(cache) == ["a", "b", "c", "d"]
    assert cache.usage().incoming_bytes == 0
    assert not half_removed.parent.exists()


def test_a_full_disk_is_one_error_and_the_rest_comes_later(server, tmp_path, monkeypatch):
    cache = WeightsCache(tmp_path / "cache", free_floor_bytes=0)
    write = partial.os.pwrite

    def full(descriptor, content, place):
        if place >= partial.PIECE_BYTES:
            raise OSError(28, os.strerror(28))
        return write(descriptor, content, place)

    monkeypatch.setattr(partial.os, "pwrite", full)
    with pytest.raises(FetchError, match="No space left on device"):
        cache.fetch(f"{server.address}/large")
    monkeypatch.undo()

    assert cache.usage().entries == []
    assert cache.fetch(f"{server.address}/large").read_bytes() == LARGE


def test_the_folder_is_the_one_of_the_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("COG_CACHE_DIR", str(tmp_path))
    assert WeightsCache().folder == tmp_path / "weights"
    monkeypatch.delenv("COG_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert WeightsCache().folder == tmp_path / "cog" / "weights"
