"""`fetch` brings whole, right files or none, over connections and servers as they are."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from tests.cog.weights.file_server import serving

from cog.errors import FetchError
from cog.weights import fetch, partial, remote

LARGE = os.urandom(50_000_000)  # several pieces, the last one shorter
ROOT = Path(__file__).parents[3]


@pytest.fixture
def server():
    with serving({"/large": LARGE, "/small": b"12345", "/empty": b""}) as running:
        yield running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["large", "small", "empty"])
@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_file_arrives_whole(server, tmp_path, name, has_ranges, capsys):
    server.has_ranges = has_ranges
    content = server.files[f"/{name}"]

    done = fetch(f"{server.address}/{name}", tmp_path / "deep" / name, sha256=digest(content))

    assert done.read_bytes() == content
    assert left_in(done.parent) == [name]
    if name == "large":
        assert "100%|####################| 50.0M/50.0M" in capsys.readouterr().err


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    path = tmp_path / "it"
    fetch(f"{server.address}/small", path, sha256=digest(b"12345"))
    before = server.asked.total()

    fetch(f"{server.address}/small", path, sha256=digest(b"12345"))
    fetch(f"{server.address}/small", path)

    assert server.asked.total() == before
    path.write_bytes(b"other")
    fetch(f"{server.address}/small", path, sha256=digest(b"12345"))
    assert path.read_bytes() == b"12345"


def test_another_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(FetchError, match="Its sha256 is"):
        fetch(f"{server.address}/large", tmp_path / "it", sha256="0" * 64)

    assert left_in(tmp_path) == []


def test_connections_that_break_are_taken_up_where_they_broke(server, tmp_path):
    server.breaks = 9

    done = fetch(f"{server.address}/large", tmp_path / "it", sha256=digest(LARGE))

    assert done.stat().st_size == len(LARGE)
    assert server.sent_bytes < 2 * len(LARGE)


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(server, tmp_path):
    server.refuses = {"/small": [503, 429, 500], "/large": [403]}

    assert fetch(f"{server.address}/small", tmp_path / "it").read_bytes() == b"12345"
    with pytest.raises(FetchError, match="403"):
        fetch(f"{server.address}/large", tmp_path / "large")
    with pytest.raises(FetchError, match="404"):
        fetch(f"{server.address}/nothing", tmp_path / "nothing")
    server.refuses = {"/small": [503] * 99}
    with pytest.raises(FetchError, match="after 6 attempts"):
        fetch(f"{server.address}/small", tmp_path / "other")
    assert left_in(tmp_path) == ["it"]


def test_a_full_disk_is_told_at_once_and_what_came_is_kept(server, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(partial.os, "pwrite", full)
        with pytest.raises(FetchError, match="No space left on device"):
            fetch(f"{server.address}/large", tmp_path / "it")

    assert not (tmp_path / "it").exists()
    assert server.asked.total() <= 1 + 3 * 2
    fetch(f"{server.address}/large", tmp_path / "it", sha256=digest(LARGE))
    assert left_in(tmp_path) == ["it"]


def test_another_host_is_told_no_secret(server, tmp_path):
    with serving({"/file": b"elsewhere"}) as other:
        server.redirects = {"/here": f"{server.address}/small", "/there": f"{other.address}/file"}
        secret = {"Authorization": "Bearer x"}

        fetch(f"{server.address}/here", tmp_path / "here", headers=secret)
        done = fetch(f"{server.address}/there", tmp_path / "there", headers=secret)

        assert done.read_bytes() == b"elsewhere"
        assert all("Authorization" in it for it in server.seen)
        assert not any("Authorization" in it for it in other.seen)


def test_a_file_that_changes_meanwhile_is_fetched_anew(server, tmp_path, monkeypatch):
    look = remote.look_at
    changes = [os.urandom(40_000_000)]

    def look_at(url, headers):
        found = look(url, headers)
        if changes:
            server.files["/large"] = changes.pop()
        return found

    monkeypatch.setattr("cog.weights.fetching.look_at", look_at)

    done = fetch(f"{server.address}/large", tmp_path / "it")

    assert done.read_bytes() == server.files["/large"]


FETCH = "import sys; from cog.weights import fetch; fetch(sys.argv[1], sys.argv[2])"


def test_what_came_before_a_kill_is_taken_up(server, tmp_path):
    server.held = threading.Event()
    command = [sys.executable, "-c", FETCH, f"{server.address}/large", tmp_path / "it"]
    environ = {"PYTHONPATH": str(ROOT / "sdk")}
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        note = tmp_path / "it.part.note"
        while not (note.exists() and note.read_text()):
            assert process.poll() is None
        size = partial.PIECE_BYTES
        part = tmp_path / "it.part"
        with part.open("r+b") as file, note.open("a") as lines:  # two pieces, as it would be
            for number in (0, 2):
                file.seek(number * size)
                file.write(LARGE[number * size : (number + 1) * size])
                lines.write(f"{number}\n")
        process.send_signal(signal.SIGKILL)
        process.wait()
    server.held = None
    server.sent_bytes = 0

    done = fetch(f"{server.address}/large", tmp_path / "it", sha256=digest(LARGE))

    assert server.sent_bytes <= size + 1
    assert left_in(tmp_path) == ["it"]
    assert done.read_bytes() == LARGE


def test_two_that_want_the_same_file_fetch_it_once(server, tmp_path):
    threads = [
        threading.Thread(target=fetch, args=(f"{server.address}/large", tmp_path / "it"))
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert server.sent_bytes < len(LARGE) + 100
    assert left_in(tmp_path) == ["it"]


# --- archives ---


def tar_of(*members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            if kind is None:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = kind, content
                archive.addfile(info)
    return buffer.getvalue()


def zip_of(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
GOOD = [("a/b.bin", b"1" * 1000, None), ("c", "a/b.bin", SYM), ("d", "a/b.bin", HARD)]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_is_unpacked_while_it_comes(server, tmp_path, mode):
    server.files["/it"] = tar_of(*GOOD, mode=mode)

    done = fetch(f"{server.address}/it", tmp_path / "it", unpack=True)

    for name in ("a/b.bin", "c", "d"):
        assert (done / name).read_bytes() == b"1" * 1000
    assert left_in(tmp_path) == ["it"]


def test_a_zip_is_unpacked(server, tmp_path):
    server.files["/it"] = zip_of(("a/b.bin", b"1" * 1000), ("e/", b""))

    done = fetch(f"{server.address}/it", tmp_path / "it", unpack=True)

    assert (done / "a" / "b.bin").read_bytes() == b"1" * 1000
    assert (done / "e").is_dir()


OUTSIDE = "../../evil"
BAD = [
    tar_of((OUTSIDE, b"x", None)),
    tar_of(("/tmp/evil", b"x", None)),
    tar_of(("a", "/etc", SYM), ("a/evil", b"x", None)),
    tar_of(("a", "..", SYM), ("a/evil", b"x", None)),
    tar_of(("in", b"x", None), ("a", ".", SYM), ("a/evil", b"x", None)),
    tar_of(("a", "/etc/passwd", HARD)),
    tar_of(("a", OUTSIDE, HARD)),
    tar_of(("a", "", tarfile.FIFOTYPE)),
    tar_of(("a", b"x" * 5000, None))[:3000],
    zip_of((OUTSIDE, b"x")),
    zip_of(("/evil", b"x")),
    zip_of(("a", b"x" * 5000))[:-30],
    b"not an archive at all",
    b"",
]


@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
def test_an_archive_that_leads_out_or_is_none_leaves_nothing(server, tmp_path, content):
    server.files["/it"] = content
    (tmp_path / "deep" / "er").mkdir(parents=True)

    with pytest.raises(FetchError):
        fetch(f"{server.address}/it", tmp_path / "deep" / "er" / "it", unpack=True)

    assert not (tmp_path / "deep" / "er" / "it").exists()
    assert not list(tmp_path.rglob("evil"))
    assert left_in(tmp_path) == ["deep"]
    assert left_in(tmp_path / "deep") == ["er"]


@pytest.mark.parametrize("url", ["ftp://a/b", "/etc/passwd", "file:///etc/passwd", ""])
def test_only_urls_of_the_web_are_fetched(tmp_path, url):
    with pytest.raises(FetchError, match="Not an http, https, hf or s3 URL"):
        fetch(url, tmp_path / "it")
