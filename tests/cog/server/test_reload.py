"""`--reload`: what a change of the source does to a model that is served."""

import os
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MODEL = """
    import os
    from cog import BasePredictor, Input
    import words

    class Predictor(BasePredictor):
        def setup(self):
            self.weights = object()

        def predict(self, text: str = "x") -> str:
            return f"{words.greet(text)} {os.getpid()} {id(self.weights)}"
"""
WORDS = """
    def greet(text):
        return "hello " + text
"""


class Project:
    """The source of a model, and the server that watches it."""

    def __init__(self, folder: Path, start, mode: str) -> None:
        self.folder = folder
        self.write("predict.py", MODEL)
        self.write("words.py", WORDS)
        self.server = start("predict.py:Predictor", "--reload", mode, project=folder)
        self.server.wait_until_ready().wait_for_line("Watching the project's source")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text(textwrap.dedent(text))
        if path.stat().st_mtime_ns == before:  # a coarse clock
            os.utime(path, ns=(before + 1, before + 1))

    def predict(self, **inputs: str) -> list[str]:
        return self.server.predict(**inputs)["output"].rsplit(" ", 2)


@pytest.fixture
def restarting(start_server, tmp_path):
    return Project(tmp_path, start_server, "restart")


@pytest.fixture
def keeping(start_server, tmp_path):
    return Project(tmp_path, start_server, "keep")


def test_a_change_starts_a_fresh_worker(restarting) -> None:
    text, pid, _ = restarting.predict(text="you")
    restarting.write("words.py", WORDS.replace("hello", "bye"))
    restarting.server.wait_for_line("Setup complete", count=2)

    after = restarting.predict(text="you")

    assert (text, after[0]) == ("hello you", "bye you")
    assert after[1] != pid
    assert "Starting the worker anew: words.py changed" in restarting.server.log
    assert "Worker died" not in restarting.server.log


def test_a_model_that_could_not_be_set_up_gets_another_chance_with_each_change(restarting) -> None:
    server = restarting.server
    restarting.write("predict.py", "def broken(:\n")
    server.wait_for_line("Setup failed")
    assert server.health()["status"] == "SETUP_FAILED"

    restarting.write("predict.py", MODEL)
    server.wait_for_line("Setup complete", count=2)

    assert restarting.predict()[0] == "hello x"


def test_what_runs_during_a_change_fails_with_the_reason(restarting) -> None:
    waiting = MODEL.replace("return f", "print('begins'); import time; time.sleep(60); return f")
    restarting.write("predict.py", waiting)
    restarting.server.wait_for_line("Setup complete", count=2)
    running = restarting.server.begin("running", "begins")

    restarting.write("predict.py", MODEL)

    assert running.end()["error"] == (
        "Prediction failed: the worker was replaced, as predict.py changed"
    )


def test_kept_weights_stay_while_the_code_is_swapped_and_the_last_inputs_run_again(keeping) -> None:
    before = keeping.predict(text="you")
    keeping.write("words.py", WORDS.replace("hello", "bye"))
    line = keeping.server.wait_for_line("The last inputs succeeded")

    after = keeping.predict(text="them")

    assert before[0] == "hello you"
    assert "bye you" in line
    assert after == ["bye them", *before[1:]], "the same process and the same weights"
    assert "Swapped words.py: greet" in keeping.server.log


def test_a_changed_signature_is_in_the_schema_at_once(keeping) -> None:
    keeping.predict(text="you")
    keeping.write("predict.py", MODEL.replace('text: str = "x"', "text: str, n: int = Input(ge=1)"))
    line = keeping.server.wait_for_line("The last inputs do not run again")

    properties = keeping.server.ask("GET", "/openapi.json").json["components"]["schemas"]["Input"]

    assert list(properties["properties"]) == ["text", "n"]
    assert "Field required" in line
    assert keeping.predict(text="a", n=1)[0] == "hello a"


def test_an_error_in_the_source_keeps_the_model_as_it_was(keeping) -> None:
    before = keeping.predict()
    keeping.write("words.py", "def greet(text:\n")
    line = keeping.server.wait_for_line("Kept the code as it was")

    assert "words.py:1: " in line
    assert keeping.predict() == before


def test_a_signature_without_a_schema_keeps_the_process_too(keeping) -> None:
    before = keeping.predict()
    keeping.write("predict.py", MODEL.replace('text: str = "x"', "text"))
    line = keeping.server.wait_for_line("Kept the code as it was")

    assert "parameter 'text' on predict has no type annotation" in line
    keeping.write("predict.py", MODEL)
    keeping.server.wait_for_line("The last inputs succeeded")
    assert keeping.predict() == before


def test_what_is_not_safe_is_a_fresh_start_said_in_one_line(keeping) -> None:
    before = keeping.predict()
    keeping.write("predict.py", MODEL.replace("object()", "[1]"))
    keeping.server.wait_for_line("The last inputs succeeded")

    assert keeping.predict()[1] != before[1]
    assert (
        "Starting the worker anew: predict.py: Predictor.setup() has run already"
        in keeping.server.log
    )


def test_async_models_are_swapped_too(start_server, tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    project = Project(tmp_path / "sub", start_server, "restart")
    project.server.stop()
    text = MODEL.replace("def predict", "async def predict")
    project.write("predict.py", text)
    server = start_server("predict.py:Predictor", "--reload", "keep", project=project.folder)
    server.wait_until_ready().wait_for_line("Watching the project's source")
    before = server.predict(text="you")["output"]

    project.write("predict.py", text.replace('return f"', 'return f"new '))
    server.wait_for_line("The last inputs succeeded")

    assert server.predict(text="you")["output"] == f"new {before}"


def test_a_changed_configuration_is_said_and_not_guessed_at(restarting) -> None:
    restarting.write("cog.yaml", "build: {}\n")

    restarting.server.wait_for_line("cog.yaml changed: stop and start again")

    assert restarting.server.health()["status"] == "READY"
