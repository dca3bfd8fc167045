"""`cog` with Docker, on real containers: the examples as a user runs them."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import Person

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def in_docker(example, docker_engine):
    """Return someone in a copy of an example, whose `cog` uses Docker."""

    def person(name):
        local = example(name)
        return Person(local.folder, {**local.environ, **docker_engine.environ})

    return person


def test_a_project_runs_in_a_container_that_is_gone_afterwards(in_docker, docker_engine):
    cog = in_docker("hello-world")

    done = cog("predict", "-i", "text=Ada")

    assert done.stdout == "hello Ada\n", done.stderr
    assert "Building Docker image from environment in cog.yaml..." in done.stderr
    assert "Starting Docker image and running setup()..." in done.stderr
    assert docker_engine.left_behind() == []


def test_files_go_into_the_container_and_out_of_it(in_docker):
    cog = in_docker("resize")

    done = cog("predict", "-i", "image=@input.jpg", "-o", "small.png")

    assert done.returncode == 0, done.stderr
    assert (cog.folder / "small.png").read_bytes().startswith(b"\x89PNG")
    assert not list(cog.folder.rglob("__pycache__"))


def test_a_wrong_input_starts_nothing(in_docker, docker_engine):
    cog = in_docker("hello-world")

    done = cog("predict", "-i", "nonsense=1")

    assert done.returncode == 1
    assert 'unknown input "nonsense"' in done.stderr
    assert "Starting" not in done.stderr
    assert docker_engine.left_behind() == []


def test_an_image_runs_by_its_name_and_carries_cogs_labels(in_docker, docker_engine, tmp_path):
    cog = in_docker("hello-world")

    built = cog("build", "-t", "coghub-test-hello")

    assert "Image built as coghub-test-hello" in built.stderr
    labels = json.loads(
        docker_engine.run("inspect", "--format", "{{json .Config.Labels}}", "coghub-test-hello")
    )
    assert labels["run.cog.has_init"] == "true"
    assert json.loads(labels["run.cog.config"])["predict"] == "predict.py:Predictor"
    schema = json.loads(labels["run.cog.openapi_schema"])
    assert "text" in schema["components"]["schemas"]["Input"]["properties"]
    inside = docker_engine.run(
        "run", "--rm", "coghub-test-hello", "cat", ".cog/openapi_schema.json"
    )
    assert json.loads(inside) == schema
    elsewhere = Person(tmp_path, cog.environ)
    assert elsewhere("predict", "coghub-test-hello", "-i", "text=you").stdout == "hello you\n"


def test_a_served_model_answers_and_ends_with_ctrl_c(in_docker, docker_engine):
    served = in_docker("hello-world").serve()

    answer = served.predict(text="Ada")

    assert answer["output"] == "hello Ada"
    assert served.stop() in (0, 130)
    assert docker_engine.left_behind() == []


def test_a_served_model_follows_its_source_into_the_container(in_docker):
    cog = in_docker("hello-world")
    served = cog.serve("--reload", "--keep-weights")
    served.predict(text="Ada")
    source = cog.folder / "predict.py"

    source.write_text(source.read_text().replace("hello", "good evening"))
    served.wait_for_log("The last inputs succeeded")

    assert served.predict(text="Bob")["output"] == "good evening Bob"
    assert served.stop() in (0, 130)


def test_exec_passes_on_input_output_and_exit_code(in_docker):
    cog = in_docker("hello-world")

    done = cog(
        "exec", "python", "-c", "import sys; print(sys.stdin.read()); sys.exit(7)", stdin="hi"
    )

    assert done.stdout.strip() == "hi"
    assert done.returncode == 7


def test_a_killed_command_leaves_no_container_after_the_next_one(in_docker, docker_engine):
    cog = in_docker("hello-world")
    (cog.folder / "predict.py").write_text(SLOW)
    running = cog.start("predict", "-i", "text=x")
    assert running.stderr is not None
    for line in running.stderr:
        if "Running prediction" in line:
            break

    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    running.stderr.close()
    assert running.stdout is not None
    running.stdout.close()
    (cog.folder / "predict.py").write_text(SLOW.replace("time.sleep(600)", "pass"))
    cog("predict", "-i", "text=x")

    assert docker_engine.left_behind() == []


def test_a_build_step_that_fails_is_told_by_its_last_lines(in_docker):
    cog = in_docker("hello-world")
    config = (cog.folder / "cog.yaml").read_text()
    run = "build:\n  run:\n    - echo before && cat /no/such/file\n"
    (cog.folder / "cog.yaml").write_text(config.replace("build:\n", run))

    done = cog("build", "-t", "coghub-test-broken")

    assert done.returncode == 1
    assert "A step of the build failed" in done.stderr
    assert "/no/such/file" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["predict", "UPPER/case", "-i", "text=x"], "Invalid image name 'UPPER/case'"),
        (["predict", "text=x"], "Invalid image name 'text=x'. Did you forget `-i`?"),
        (["build", "-t", "not a name"], "Invalid image name 'not a name'"),
        (["predict", "python:3.11-slim", "-i", "text=x"], "is not a Cog model"),
    ],
)
def test_what_is_no_image_of_a_model_gets_one_clear_error(in_docker, arguments, told):
    done = in_docker("hello-world")(*arguments)

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_engine_that_does_not_answer_is_told_as_cog_tells_it(in_docker, tmp_path):
    cog = in_docker("hello-world")

    done = cog("build", "-t", "x", DOCKER_HOST=f"unix://{tmp_path}/none.sock")

    assert done.returncode == 1
    assert "error pinging docker daemon: Cannot connect to the Docker daemon at" in done.stderr
    assert "COG_ENGINE=local" in done.stderr


def test_both_builders_make_the_same_image(in_docker, docker_engine):
    if set(docker_engine.programs) != {"buildkit", "classic"}:
        pytest.skip("there are not both kinds of `docker` commands on PATH")
    cog = in_docker("hello-world")
    listings = []
    for kind in ("buildkit", "classic"):
        folder = cog.folder.parent / f"{cog.folder.name}-{kind}"
        folder.mkdir()
        (folder / "docker").symlink_to(docker_engine.programs[kind])
        name = f"coghub-test-{kind}"
        path = f"{folder}{os.pathsep}{cog.environ['PATH']}"
        # No other `docker` on PATH, and a shell that the command needs.
        bare = [one for one in path.split(os.pathsep) if not Path(one, "docker").exists()]
        done = cog("build", "--no-cache", "-t", name, PATH=os.pathsep.join([str(folder), *bare]))
        assert done.returncode == 0, done.stderr
        made = docker_engine.run("create", name)
        content = subprocess.run(
            ["sh", "-c", f"docker export {made} | tar t"],
            env=cog.environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        docker_engine.run("rm", made)
        listings.append(sorted(content.splitlines()))

    assert listings[0] == listings[1]


SLOW = """
import time

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        time.sleep(600)
        return text
"""
