"""The whole command on a real model, from cog.yaml to the output."""

import http.client
import json
import signal
import socket

import pytest

pytestmark = pytest.mark.slow

PLAIN_LINES = ["Building environment from cog.yaml...", "Starting model and running setup()..."]


def test_a_prediction_prints_its_result_on_stdout_and_all_else_on_stderr(project):
    ran = project.run("predict", "-i", "text=you", "-i", f"count={2**40}", "-e", "FROM_FLAG=flag")

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "text": "you",
        "count": 2**40,
        "weights": None,
        "size": None,
        "context": {},
        "variables": ["config", "flag"],
    }
    said = ran.stderr.splitlines()
    assert [line for line in said if line in PLAIN_LINES] == PLAIN_LINES
    assert said[-3:] == ["loading", "Running prediction...", "working"]


READS_VARIABLES = """
import os

import neighbour

LEVEL = os.environ["LEVEL"]

class Predictor:
    def predict(self) -> str:
        return LEVEL + neighbour.__name__
"""


def test_variables_of_the_command_are_there_when_the_code_is_read(project, tmp_path):
    """Also one that Python itself reads: it must not hide the SDK."""
    (project.folder / "predict.py").write_text(READS_VARIABLES)
    (tmp_path / "neighbour.py").touch()

    ran = project.run("predict", "-e", "LEVEL=high ", "-e", f"PYTHONPATH={tmp_path}")

    assert (ran.returncode, ran.stdout) == (0, "high neighbour\n"), ran.stderr


def test_json_goes_in_and_comes_out(project):
    ran = project.run(
        "run",
        "--json",
        "-",
        "--use-replicate-token",
        stdin='{"text": "from stdin"}',
        environ={"REPLICATE_API_TOKEN": "r8_x"},
    )

    report = json.loads(ran.stdout)
    assert list(report) == ["status", "output", "error", "metrics"]
    assert report["status"] == "succeeded"
    assert report["output"]["text"] == "from stdin"
    assert report["output"]["context"] == {"replicate_api_token": "r8_x"}
    assert report["metrics"]["predict_time"] > 0


def test_a_file_too_large_for_a_request_reaches_the_model(project):
    with (project.folder / "large.bin").open("wb") as file:
        file.truncate(200 * 1024**2)

    ran = project.run("predict", "-i", "upload=@large.bin", "-o", "result.json")

    assert ran.returncode == 0, ran.stderr
    assert json.loads((project.folder / "result.json").read_text())["size"] == 200 * 1024**2
    assert "Written output to: result.json" in ran.stderr


STUBBORN = """
import time

class Predictor:
    def predict(self) -> str:
        print("working", flush=True)
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
"""


def test_a_model_that_swallows_ctrl_c_is_said_to_be_stopping(project, started):
    (project.folder / "predict.py").write_text(STUBBORN)
    command = started("predict")
    command.wait_for("working")

    command.process.send_signal(signal.SIGINT)

    code, out, said = command.end()
    assert (code, out) == (130, "")
    assert "Stopping the model..." in said


def test_a_failed_prediction_says_why_and_exits_1(project):
    ran = project.run("predict", "--json", '{"what": "fail"}')

    assert ran.returncode == 1
    assert json.loads(ran.stdout)["status"] == "failed"
    last = ran.stderr.splitlines()[-1]
    assert last.startswith('error: Prediction failed with status "failed": ')
    assert last.endswith("ValueError: boom")
    assert 'predict.py", line ' in ran.stderr


def test_a_failed_setup_shows_its_traceback_and_exits_1(project):
    ran = project.run("predict", environ={"SETUP_FAILS": "1"})

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "RuntimeError: no weights" in ran.stderr
    assert ran.stderr.splitlines()[-1] == "error: Model setup failed"


def test_a_worker_that_is_killed_is_one_clear_error(project):
    ran = project.run("predict", "-i", "what=exit")

    assert ran.returncode == 1
    assert "signal 9" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_wrong_inputs_are_found_before_anything_starts(project):
    ran = project.run("predict", "-i", "count=0", "-i", "nope=1", "-i", "what=sing")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.endswith(
        "error: input validation failed:\n"
        '- unknown input "nope"; valid inputs are: what, text, count, upload\n'
        '- invalid input "what": must be one of: echo, fail, wait, exit, file, none\n'
        '- invalid input "count": 0 is less than the minimum of 1\n'
    )
    assert "Starting model" not in ran.stderr


def test_a_training_writes_weights_that_a_prediction_can_use(project):
    trained = project.run("train", "-i", "steps=3", "-o", "new_weights.txt")

    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout) == {"steps": 3, "weights": "new_weights.txt"}

    ran = project.run("predict", environ={"COG_WEIGHTS": "new_weights.txt"})

    assert json.loads(ran.stdout)["weights"] == "www"


def test_a_bundle_runs_by_its_name_from_anywhere(project, tmp_path):
    built = project.run("build", "-t", "tiny")

    assert built.returncode == 0, built.stderr
    assert "Image built as tiny:latest" in built.stderr

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.folder = elsewhere
    ran = project.run("predict", "tiny", "-i", "text=bundle")

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["text"] == "bundle"


def test_a_name_that_nothing_has_is_told(project):
    ran = project.run("predict", "nothing-of-that-name")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: No bundle named `nothing-of-that-name`")


def test_exec_passes_on_terminal_and_exit_code(project):
    ran = project.run(
        "exec", "-e", "FROM_FLAG=x", "python", "-c",
        "import cog, os, sys; print(sys.stdin.read(), os.environ['FROM_FLAG']); sys.exit(7)",
        stdin="typed",
    )  # fmt: skip

    assert (ran.returncode, ran.stdout) == (7, "typed x\n"), ran.stderr


def test_what_follows_the_command_is_the_commands_own(project):
    script = "import sys; print(sys.argv[1:])"

    ran = project.run("exec", "python", "-c", script, "--help", "-p", "x", "-e", "y")

    assert (ran.returncode, ran.stdout) == (0, "['--help', '-p', 'x', '-e', 'y']\n"), ran.stderr


def test_pget_is_on_the_path_of_a_model(project):
    ran = project.run("exec", "pget", "--help")

    assert ran.returncode == 0, ran.stderr
    assert "pget [-x] [-f]" in ran.stdout


def test_pip_shows_the_environment_and_changes_nothing(project):
    """The next pip on PATH may be the one of this very command's environment."""
    listed = project.run("exec", "pip", "list")
    refused = project.run("exec", "pip", "install", "six")

    assert listed.returncode == 0, listed.stderr
    assert "structlog" in listed.stdout
    assert "coghub" not in listed.stdout
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "error: The project's environment has no pip and stays as it was made" in refused.stderr


def test_debug_prints_the_plan_and_makes_nothing(project):
    ran = project.run("debug")

    plan = json.loads(ran.stdout)
    assert plan["predict"] == "predict.py:Predictor"
    assert plan["environment"] == {"FROM_CONFIG": "config"}


def test_environments_are_listed_for_people_and_scripts(project, tmp_path):
    """In a cache of its own: to the shared one other tests may add between the two listings."""
    project.environ["COG_CACHE_DIR"] = str(tmp_path / "cache")
    project.run("exec", "true")

    listed = json.loads(project.run("env", "list", "--json").stdout)
    lines = project.run("env", "list").stdout.splitlines()

    assert len(lines) == len(listed) == 1
    assert lines[0].split()[0] == listed[0]["key"]


def test_serve_answers_until_ctrl_c(started, project):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    serving = started("serve", "-p", str(port))
    serving.wait_for(f"Serving at http://localhost:{port}\n")
    serving.wait_for("Setup complete")

    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(
        "POST", "/predictions", '{"input": {}}', {"Content-Type": "application/json"}
    )
    answer = json.load(connection.getresponse())
    connection.close()
    serving.process.send_signal(signal.SIGINT)

    assert answer["status"] == "succeeded"
    assert serving.end()[0] == 0


def test_serve_follows_the_source(started, project):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    serving = started("serve", "-p", str(port), "--reload", "--keep-weights")
    serving.wait_for("Watching the project's source")
    serving.wait_for("Setup complete")
    path = project.folder / "predict.py"

    path.write_text(f"{path.read_text()}\ndef added(): ...\n")

    serving.wait_for("Swapped predict.py: added")
    serving.process.send_signal(signal.SIGINT)
    assert serving.end()[0] == 0


def test_serve_refuses_a_port_that_is_taken(project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ran = project.run("serve", "-p", str(port))

    assert ran.returncode == 1
    assert f"error: Cannot listen on 127.0.0.1:{port}: Address already in use" in ran.stderr


def test_a_document_that_is_none_is_refused_before_anything_is_made(project):
    (project.folder / "document.json").write_text("{")

    ran = project.run("build", "-t", "hello", "--openapi-schema", "document.json")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: Failed to read an OpenAPI document from document.json")
    assert "Building" not in ran.stderr


@pytest.mark.parametrize(
    ("command", "other", "hint"),
    [("predict", "train", "`cog train`"), ("train", "predict", '`train: "train.py:train"`')],
)
def test_a_project_that_has_the_other_reference_only_gets_a_hint(project, command, other, hint):
    (project.folder / "cog.yaml").write_text(f"{other}: {other}.py:{other}\n")

    ran = project.run(command)

    assert ran.returncode == 1
    assert f"error: no {command} reference found in cog.yaml\nhint: " in ran.stderr
    assert hint in ran.stderr
