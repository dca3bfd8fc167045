"""A bad input or interface ends a command before anything is made: uv and Docker are traps."""

import os

import pytest
from fake_registry import FakeRegistry

from coghub.build.plan import Plan
from coghub.cli.source_check import document_in_source
from coghub.domain.errors import ModelUnreadable
from coghub.engines.base import Project
from coghub.settings import read_settings

MODEL = """
import torch
from cog import BasePredictor, Input

KINDS = {"cat": torch.float16, "dog": torch.float32}

class Predictor(BasePredictor):
    @torch.inference_mode()
    def predict(
        self, kind: str = Input(choices=KINDS.keys()), n: int = Input(default=1, le=3)
    ) -> str:
        return kind
"""
NO_TYPE = MODEL.replace("n: int", "n")
TRAIN = "def train(steps: int) -> str: ..."
UNTOLD = MODEL.replace('{"cat": torch.float16, "dog": torch.float32}', "torch.kinds()")
REASON = "parameter 'n' on predict has no type annotation"
COMMANDS = {
    "predict": ["predict", "-i", "kind=cat"],
    "serve": ["serve", "--port", "9999"],
    "train": ["train", "-i", "steps=3"],
    "build": ["build", "-t", "some/model"],
}


@pytest.fixture
def trapped(project, tmp_path):
    """The project, where whatever makes an environment would leave a mark."""
    traps = tmp_path / "traps"
    traps.mkdir()
    for name in ("uv", "docker"):
        trap = traps / name
        trap.write_text(f'#!/bin/sh\necho {name} "$@" >> "{tmp_path}/ran.txt"\nexit 1\n')
        trap.chmod(0o755)
    project.environ |= {
        "PATH": f"{traps}{os.pathsep}{project.environ['PATH']}",
        "COG_CACHE_DIR": str(tmp_path / "cache"),
        "COG_ENGINE": "local",
    }
    project.ran = tmp_path / "ran.txt"
    project.cache = tmp_path / "cache"
    (project.folder / "predict.py").write_text(MODEL)
    (project.folder / "train.py").write_text(TRAIN)
    return project


def was_made(project):
    """Tell whether an environment was begun."""
    return project.ran.exists() or any(project.cache.glob("environments/*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["-i", "kind=cow"], 'invalid input "kind": must be one of: cat, dog'),
        (["-i", "kind=cat", "-i", "n=4"], 'invalid input "n": 4 is greater than the maximum of 3'),
        ([], 'missing required input "kind"'),
        (
            ["--json", '{"kind": "cat", "sort": 1}'],
            'unknown input "sort"; valid inputs are: kind, n',
        ),
    ],
)
@pytest.mark.parametrize("engine", ["local", "docker"])
def test_a_bad_input_is_refused_before_anything_is_made(trapped, engine, flags, problem):
    ran = trapped.run("predict", *flags, environ={"COG_ENGINE": engine})

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[0] == f"error: {problem}"
    assert not was_made(trapped)


@pytest.mark.slow
def test_a_bad_input_of_a_training_is_refused_too(trapped):
    ran = trapped.run("train", "-i", "steps=many")

    assert (ran.returncode, was_made(trapped)) == (1, False)
    assert 'invalid input "steps": expected integer' in ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("engine", ["local", "docker"])
def test_a_bad_interface_is_refused_before_anything_is_made(trapped, engine, name):
    (trapped.folder / "predict.py").write_text(NO_TYPE)

    ran = trapped.run(*COMMANDS[name], environ={"COG_ENGINE": engine})

    if engine == "docker" and name == "build":
        pytest.skip("it asks first whether the engine answers")
    assert ran.returncode == 1
    assert f"error: {REASON}" in ran.stderr.splitlines()
    assert not was_made(trapped)


@pytest.fixture
def hub():
    """A hub that lets alice in."""
    registry = FakeRegistry()
    registry.realm = "bearer"
    registry.passwords = {"alice": "chub_0123456789"}
    registry.pages["/cog/v1/hub"] = (200, {"hub": "coghub", "version": "0.1.0", "url": "x"})
    registry.pages["/cog/v1/display-token-url"] = (200, {"url": "https://hub.example/token"})
    registry.pages["/cog/v1/verify-token"] = (200, {"username": "alice"})
    yield registry
    registry.close()


@pytest.mark.slow
def test_a_push_of_a_bad_interface_builds_and_sends_nothing(trapped, hub, tmp_path):
    (trapped.folder / "predict.py").write_text(NO_TYPE)
    environ = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    trapped.run("login", hub.url, "--token-stdin", stdin="chub_0123456789", environ=environ)

    ran = trapped.run("push", f"{hub.url}/alice/hello", environ=environ)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1] == f"error: {REASON}"
    assert not was_made(trapped)
    assert not hub.blobs


@pytest.mark.slow
def test_what_the_source_does_not_tell_is_asked_of_the_model(trapped):
    (trapped.folder / "predict.py").write_text(UNTOLD)

    ran = trapped.run("predict", "-i", "kind=cow")

    assert ran.returncode == 1
    assert "must be one of" not in ran.stderr
    assert was_made(trapped)


def project_of(folder, predict="predict.py:Predictor", train=None, document=None):
    plan = Plan(python_version="3.12", predict=predict, train=train)
    return Project(folder, plan, document)


def test_one_reference_is_told_where_the_other_is_not(tmp_path):
    (tmp_path / "predict.py").write_text(UNTOLD)
    (tmp_path / "train.py").write_text(TRAIN)
    both = project_of(tmp_path, train="train.py:train")
    settings = read_settings({})

    assert document_in_source(both, settings, "predict") is None
    told = document_in_source(both, settings, "train")

    assert "TrainingInput" in told["components"]["schemas"]


def test_a_bad_reference_is_refused_also_where_the_other_cannot_be_told(tmp_path):
    (tmp_path / "predict.py").write_text(UNTOLD)
    (tmp_path / "train.py").write_text("def train(steps) -> str: ...")

    with pytest.raises(ModelUnreadable, match="parameter 'steps' on train has no type"):
        document_in_source(
            project_of(tmp_path, train="train.py:train"), read_settings({}), "predict"
        )


@pytest.mark.parametrize("overruled_by", ["variable", "file", "bundle"])
def test_a_document_of_ones_own_leaves_the_source_unread(tmp_path, overruled_by):
    (tmp_path / "predict.py").write_text(NO_TYPE)
    environ = {"COG_OPENAPI_SCHEMA": "own.json"} if overruled_by == "variable" else {}
    given = tmp_path / "own.json" if overruled_by == "file" else None
    project = project_of(tmp_path, document={} if overruled_by == "bundle" else None)

    assert document_in_source(project, read_settings(environ), "predict", given) is None
