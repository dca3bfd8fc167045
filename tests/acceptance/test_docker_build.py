"""`cog build` and `cog debug` with Docker, as a user runs them."""

import json
import os
import signal
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from tests.acceptance.conftest import Person

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@pytest.fixture
def cog(example, docker_engine, tmp_path):
    """Someone in a copy of an example, with temporary files of their own."""
    local = example("hello-world")
    (tmp_path / "temporary").mkdir()
    own = {"TMPDIR": str(tmp_path / "temporary")}
    return Person(local.folder, {**local.environ, **docker_engine.environ, **own})


@pytest.fixture
def name(docker_engine):
    """A name for an image, which is removed with the test."""
    name = f"cog-test-{uuid4().hex[:12]}"
    yield name
    if docker_engine.has(name):
        docker_engine.run("image", "rm", "--force", name)


@pytest.fixture
def classic(docker_engine, tmp_path):
    """A PATH on which `docker` builds without BuildKit."""
    if "classic" not in docker_engine.programs:
        pytest.skip("every `docker` command here has BuildKit")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").symlink_to(docker_engine.programs["classic"])
    (tmp_path / "bin" / "git").symlink_to("/usr/bin/git")
    return str(tmp_path / "bin")


def leftovers(cog: Person) -> list[str]:
    return [path.name for path in Path(cog.environ["TMPDIR"]).iterdir()]


def test_a_build_says_what_it_does_and_what_came_of_it(cog, docker_engine, name):
    done = cog("build", "-t", name)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == f"Building Docker image from environment in cog.yaml as {name}..."
    assert lines[-2:] == ["Adding labels to image...", f"Image built as {name}"]
    assert leftovers(cog) == []
    labels = json.loads(docker_engine.run("inspect", "-f", "{{json .Config.Labels}}", name))
    assert json.loads(labels["run.cog.config"])["predict"] == "predict.py:Predictor"
    assert "Input" in json.loads(labels["run.cog.openapi_schema"])["components"]["schemas"]


def test_the_classic_builder_does_as_well(cog, docker_engine, name, classic):
    done = cog("build", "-t", name, PATH=classic)

    assert done.returncode == 0, done.stderr
    said = docker_engine.run("run", "--rm", name, "python", "-c", "import cog; print(cog.__file__)")
    assert said == "/opt/cog/sdk/cog/__init__.py"


def test_an_image_runs_by_docker_alone(cog, docker_engine, name):
    cog("build", "-t", name)

    container = docker_engine.run("run", "--detach", name)
    try:
        fetch = (
            "import json, time, urllib.request as r\n"
            "def ask():\n"
            "    try:\n"
            "        return json.load(r.urlopen('http://127.0.0.1:5000/health-check'))['status']\n"
            "    except OSError:\n"
            "        return None\n"
            "while ask() != 'READY': time.sleep(0.1)\n"
            "body = json.dumps({'input': {'text': 'Ada'}}).encode()\n"
            "head = {'Content-Type': 'application/json'}\n"
            "sent = r.Request('http://127.0.0.1:5000/predictions', body, head)\n"
            "print(json.load(r.urlopen(sent))['output'])\n"
        )
        answer = docker_engine.run("exec", container, "python", "-c", fetch)
    finally:
        docker_engine.run("rm", "--force", container)

    assert answer == "hello Ada"


def test_a_document_may_be_given(cog, docker_engine, name):
    given = {"openapi": "3.0.2", "components": {"schemas": {}}}
    (cog.folder / "document.json").write_text(json.dumps(given))

    cog("build", "-t", name, "--openapi-schema", "document.json")

    label = '{{index .Config.Labels "run.cog.openapi_schema"}}'
    assert json.loads(docker_engine.run("inspect", "-f", label, name)) == given


@pytest.mark.parametrize("is_classic", [False, True])
def test_a_step_that_fails_is_told_in_a_few_lines(cog, docker_engine, name, request, is_classic):
    own = {"PATH": request.getfixturevalue("classic")} if is_classic else {}
    config = cog.folder / "cog.yaml"
    config.write_text(config.read_text().replace("build:", 'build:\n  run: ["echo why; exit 9"]'))

    done = cog("build", "-t", name, **own)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("error: A step of the build failed: RUN echo why; exit 9\n  why\n")
    assert leftovers(cog) == []
    assert not docker_engine.has(name)


def test_an_engine_that_does_not_answer_is_told_before_cog_yaml_is_read(cog):
    (cog.folder / "cog.yaml").unlink()

    done = cog("build", DOCKER_HOST="unix:///nowhere.sock")

    assert done.returncode == 1
    assert done.stderr == (
        "error: error pinging docker daemon: Cannot connect to the Docker daemon at "
        "unix:///nowhere.sock. Is the docker daemon running?\n"
        "hint: Start Docker, or run on this machine itself with `COG_ENGINE=local`\n"
    )


def test_a_base_image_that_nobody_has_is_told(cog, name):
    done = cog("build", "-t", name, COG_BASE_IMAGE="localhost:1/nothing:1")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "hint: The base image cannot be fetched; `COG_BASE_IMAGE` names another one"
    )


def test_ctrl_c_ends_the_build_and_leaves_nothing(cog, docker_engine, name):
    config = cog.folder / "cog.yaml"
    config.write_text(config.read_text().replace("build:", 'build:\n  run: ["sleep 600"]'))
    building = cog.start("build", "-t", name, "--progress", "plain")
    assert building.stderr is not None
    assert any("RUN sleep 600" in line for line in building.stderr)

    building.send_signal(signal.SIGINT)
    _, said = building.communicate()

    assert building.returncode == 130
    assert "Traceback" not in said
    assert leftovers(cog) == []
    assert not docker_engine.has(name)


def test_debug_prints_what_build_would_build_and_needs_no_engine(cog):
    done = cog("debug", DOCKER_HOST="unix:///nowhere.sock")

    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("FROM python:3.11-slim AS base\n")
    assert done.stdout.endswith("FROM environment\nCOPY . /src\n")
    plan = json.loads(cog("debug", "--json", DOCKER_HOST="unix:///nowhere.sock").stdout)
    assert plan["predict"] == "predict.py:Predictor"


def test_what_debug_prints_can_be_edited_and_built(cog, docker_engine, name, tmp_path):
    text = cog("debug").stdout.replace("WORKDIR /src", "RUN touch /etc/edited\nWORKDIR /src")
    (tmp_path / "Dockerfile").write_text(text)

    done = cog("build", "-t", name, "--dockerfile", str(tmp_path / "Dockerfile"))

    assert done.returncode == 0, done.stderr
    docker_engine.run("run", "--rm", name, "test", "-f", "/etc/edited", "-a", "-f", "predict.py")


def test_a_terminal_shows_one_line_that_stays(cog, name):
    cog("build", "-t", name)
    controller, terminal = os.openpty()
    environ = {**cog.environ, "NO_COLOR": "", "TERM": "xterm", "COLUMNS": "100"}
    command = [Path(cog.environ["PATH"].split(os.pathsep)[0], "cog"), "build", "-t", name]
    with subprocess.Popen(
        command, cwd=cog.folder, env=environ, stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        said = b""
        try:
            while piece := os.read(controller, 65536):
                said += piece
        except OSError:  # as a terminal says that nobody is there any more
            pass
    os.close(controller)

    assert process.returncode == 0
    text = said.decode()
    assert "✓\x1b[0m Building Docker image from cog.yaml... Successfully built " in text
