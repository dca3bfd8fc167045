"""`pget URL DEST`, as models' sources call it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cog.weights.file_server import serving
from tests.cog.weights.test_fetch import digest, tar_of

SDK = Path(__file__).parents[3] / "sdk"
CONTENT = os.urandom(20_000_000)


@pytest.fixture
def server():
    archive = tar_of(("model/weights.bin", b"new", None), ("config.json", b"{}", None))
    with serving({"/file": CONTENT, "/small": b"12345", "/tar": archive}) as running:
        yield running


@pytest.fixture
def pget(tmp_path):
    def run(*words, stdin=""):
        folders = [str(Path(sys.executable).parent), str(SDK / "cog" / "tools"), os.defpath]
        environ = {"PATH": os.pathsep.join(folders), "PYTHONPATH": str(SDK)}
        done = subprocess.run(
            ["pget", *words], cwd=tmp_path, env=environ, input=stdin,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_file_is_fetched(server, pget, tmp_path):
    flags = ["-c", "4", "--log-level=WARNING", "-m", "150M", "--sha256", digest(CONTENT)]

    code, printed = pget(*flags, f"{server.address}/file", "weights/model.bin")

    assert code == 0, printed
    assert "100%" in printed
    assert (tmp_path / "weights" / "model.bin").read_bytes() == CONTENT


def test_an_archive_is_unpacked(server, pget, tmp_path):
    code, printed = pget("-x", f"{server.address}/tar", "weights")

    assert code == 0, printed
    assert (tmp_path / "weights" / "model" / "weights.bin").read_text() == "new"


def test_what_is_there_is_written_over_by_force_only(server, pget, tmp_path):
    (tmp_path / "weights" / "model").mkdir(parents=True)
    (tmp_path / "weights" / "model" / "weights.bin").write_text("old")
    (tmp_path / "weights" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("old")

    for words in (["-x", f"{server.address}/tar", "weights"], [f"{server.address}/small", "file"]):
        code, printed = pget(*words)
        assert code == 1
        assert "exists already; --force writes over it" in printed
    assert pget("-xf", f"{server.address}/tar", "weights")[0] == 0
    assert pget("-f", f"{server.address}/small", "file")[0] == 0
    code, printed = pget("-f", f"{server.address}/small", "weights")

    assert (code, "weights is a folder" in printed) == (1, True)
    assert (tmp_path / "weights" / "model" / "weights.bin").read_text() == "new"
    assert (tmp_path / "weights" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "12345"
    assert sorted(it.name for it in tmp_path.iterdir()) == ["file", "weights"]


@pytest.mark.parametrize("from_stdin", [True, False])
def test_a_list_of_files(server, pget, tmp_path, from_stdin):
    listed = f"{server.address}/small a\n\n{server.address}/file deep/b\n"
    (tmp_path / "list.txt").write_text(listed)

    code, printed = pget("multifile", *(["-"] if from_stdin else ["list.txt"]), stdin=listed)

    assert code == 0, printed
    assert (tmp_path / "a").read_bytes() == b"12345"
    assert (tmp_path / "deep" / "b").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/nowhere", "x"], "pget: 404 Not Found: http://"),
        (["--sha256", "00", "/small", "x"], "pget: Its sha256 is "),
        (["-x", "/small", "x"], "pget: "),
        (["multifile", "list.txt"], "pget: list.txt, line 2: not `URL DEST`: alone"),
        (["multifile", "none.txt"], "pget: [Errno 2] No such file or directory"),
        (["/small"], "the following arguments are required: DEST"),
        (["-c", "0", "/small", "x"], "argument -c/--concurrency: invalid"),
    ],
)
def test_what_is_wrong_is_one_error_and_leaves_nothing(server, pget, tmp_path, words, said):
    (tmp_path / "list.txt").write_text(f"{server.address}/small a\nalone\n")

    code, printed = pget(*[f"{server.address}{it}" if it[0] == "/" else it for it in words])

    assert code != 0
    assert said in printed
    assert "Traceback" not in printed
    assert [it.name for it in tmp_path.iterdir()] == ["list.txt"]
