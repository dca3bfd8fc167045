"""What user code does to its process: output in C, closed descriptors, children."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MODEL = """
    import ctypes, importlib.util, multiprocessing, os, subprocess, sys, time, types
    from typing import Any
    from cog import BasePredictor, current_scope

    class Odd(types.ModuleType):
        def __getattr__(self, name): raise RuntimeError("do not look")

    def child(connection):
        connection.send([os.getpid(), sorted(os.listdir("/proc/self/fd"))])

    class Predictor(BasePredictor):
        def predict(self, what: str = "text", n: int = 0) -> Any:
            return getattr(self, what)(n)

        def text(self, n):
            print("said", n)
            return n
        def line_in_pieces(self, n):
            print("a ", end="")
            os.write(1, b"of a child\\n")
            print("line")
        def in_c(self, n):
            ctypes.CDLL(None).printf(b"printed in C\\n")
        def in_lazy_modules(self, n):
            # What breaks when it is looked at, a module that loads when it is, and no module.
            spec = importlib.util.find_spec("antigravity")
            spec.loader = importlib.util.LazyLoader(spec.loader)
            sys.modules["lazy"] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules["lazy"])
            sys.modules["none"] = None
            sys.modules["odd"] = Odd("odd")
        def by_child(self, n):
            subprocess.run(["echo", "echoed"])
        def closing_stdout(self, n):
            sys.stdout.close()
            sys.stderr.close()
        def closing_descriptors(self, n):
            os.close(1)
            os.close(2)
        def losing_stdout(self, n):
            sys.stdout = sys.stderr = None
        def surrogate(self, n):
            print("\\udc80")
            return "a\\ud800b"
        def forking(self, n):
            pid = os.fork()
            if pid == 0:
                current_scope().record_metric("child", 1)
                return "the child's"
            os.waitpid(pid, 0)
            return "the parent's"
        def multi(self, n):
            context = multiprocessing.get_context(["fork", "spawn"][n])
            ours, theirs = context.Pipe()
            process = context.Process(target=child, args=(theirs,))
            process.start()
            pid, descriptors = ours.recv()
            process.join()
            return process.exitcode
        def socket_of_child(self, n):
            listing = ["ls", "-l", "/proc/self/fd"]
            done = subprocess.run(listing, capture_output=True, text=True, close_fds=False)
            return done.stdout
        def arguments(self, n):
            return sys.argv[1:]
"""


@pytest.fixture(scope="module")
def worker(start_worker: Any) -> Any:
    return start_worker(MODEL, env={"PYTHONUNBUFFERED": "1"})


def test_an_unbuffered_python_too_writes_whole_lines(worker: Any) -> None:
    assert worker.predict(what="line_in_pieces").printed == "of a child\na line\n"


def test_output_of_c_code_belongs_to_its_prediction(worker: Any) -> None:
    assert worker.predict(what="in_c").printed == "printed in C\n"


def test_modules_that_are_none_are_left_alone(worker: Any) -> None:
    assert worker.predict(what="in_lazy_modules").status == "succeeded"
    assert worker.predict(what="in_c").printed == "printed in C\n"


def test_output_of_child_processes_belongs_to_its_prediction(worker: Any) -> None:
    assert worker.predict(what="by_child").printed == "echoed\n"


@pytest.mark.parametrize("what", ["closing_stdout", "closing_descriptors", "losing_stdout"])
def test_a_model_that_loses_its_own_output_prints_in_the_next_prediction(
    worker: Any, what: str
) -> None:
    assert worker.predict(what=what).status == "succeeded"

    assert worker.predict(what="text", n=1).printed == "said 1\n"


def test_half_a_character_is_no_reason_to_fail(worker: Any) -> None:
    outcome = worker.predict(what="surrogate")

    assert outcome.printed == "\\udc80\n"
    assert outcome.values == ["a\ufffdb"]


def test_a_forked_child_cannot_answer_for_its_parent(worker: Any) -> None:
    outcome = worker.predict(what="forking")

    assert outcome.values == ["the parent's"]
    assert outcome.metrics == []
    assert worker.predict(what="text", n=2).values == [2]


@pytest.mark.parametrize("method", [0, 1])
def test_multiprocessing_works(worker: Any, method: int) -> None:
    assert worker.predict(what="multi", n=method).values == [0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_do_not_inherit_the_socket(worker: Any) -> None:
    (listing,) = worker.predict(what="socket_of_child").values

    assert "socket:" not in listing


def test_the_models_command_line_is_empty(worker: Any) -> None:
    assert worker.predict(what="arguments").values == [[]]


def test_ctrl_c_is_left_to_the_server(worker: Any) -> None:
    os.kill(worker.process.pid, signal.SIGINT)

    assert worker.predict(what="text", n=3).values == [3]


def test_the_end_of_the_stream_ends_the_worker(start_worker: Any) -> None:
    worker = start_worker(MODEL)

    worker.socket.close()

    assert worker.process.wait(5) == 0


SERVER = """
    import os, socket, subprocess, sys
    ours, theirs = socket.socketpair()
    life_end, life = os.pipe()
    flags = ["--life", str(life_end)] if sys.argv[1] == "life" else []
    worker = subprocess.Popen(
        [sys.executable, "-m", "cog.worker", "--socket", str(theirs.fileno()), "--exchange", "."]
        + ["--predict", "predict.py", *flags],
        pass_fds=[theirs.fileno(), life_end], start_new_session=True,
    )
    worker.wait()
"""

NEVER_READY = """
    import re, subprocess, sys
    class Predictor:
        def setup(self):
            child = subprocess.Popen(["sleep", "300"])
            print(child.pid, flush=True)
            re.match("(a+)+$", "a" * 100 + "b")  # holds Python's lock for ages
        def predict(self) -> str: ...
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere C code that holds the lock survives")
@pytest.mark.parametrize("how", ["life", "parent"])
def test_a_killed_server_takes_its_worker_along(tmp_path: Path, how: str) -> None:
    """The pipe also takes the worker's children; without one, the parent's death must do."""
    (tmp_path / "predict.py").write_text(textwrap.dedent(NEVER_READY))
    sdk = str(Path(__file__).parents[3] / "sdk")
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER), how],
        cwd=tmp_path,
        env={"PYTHONPATH": sdk, "PATH": os.defpath},
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        child = int(server.stdout.readline())
        server.kill()
        if how == "parent":
            os.kill(child, signal.SIGKILL)

        # The pipe ends when the last process that could write to it has gone.
        assert server.stdout.read() == b""
