"""From a config to a plan, and a plan to JSON and back."""

import json
from pathlib import Path

import pytest

from coghub.build.cog_yaml import Build, Command, Config
from coghub.build.plan import LOCK_PATH, PLAN_PATH, plan_json, read_plan, resolve
from coghub.domain.errors import BundleInvalid


def test_what_models_got_from_cog_is_added_and_the_project_overrules_it(tmp_path: Path) -> None:
    config = Config(build=Build(python_packages=("pyyaml==5.4", "Typing.Extensions<5", "torch")))

    plan = resolve(config, tmp_path)

    assert plan.requirements == (
        *("pyyaml==5.4", "Typing.Extensions<5", "torch"),
        *("requests", "structlog"),
    )


def test_pydantic_is_asked_for_where_the_code_imports_it(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("import pydantic\n")
    config = Config(predict="predict.py:Predictor")

    assert resolve(config, tmp_path).if_missing == ("pydantic",)


def test_pydantic_is_not_asked_for_twice(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("import pydantic\n")
    build = Build(python_packages=("pydantic<2",))

    assert resolve(Config(build, predict="predict.py:Predictor"), tmp_path).if_missing == ()


def test_pre_install_comes_after_run(tmp_path: Path) -> None:
    build = Build(run=(Command("one"),), pre_install=("two",))

    assert resolve(Config(build), tmp_path).run == (Command("one"), Command("two"))


def test_the_label_holds_the_config_without_what_is_empty(tmp_path: Path) -> None:
    build = Build(gpu=True, python_version="3.12", run=(Command("ls"),), cuda="12.4")
    config = Config(build, predict="run.py:Runner", environment={"A": "1"}, max_concurrency=4)

    assert resolve(config, tmp_path).config == {
        "build": {
            "gpu": True,
            "python_version": "3.12",
            "run": [{"command": "ls"}],
            "cuda": "12.4",
        },
        "predict": "run.py:Runner",
        "concurrency": {"max": 4},
        "environment": ["A=1"],
    }


def test_a_plan_survives_being_stored(tmp_path: Path) -> None:
    (tmp_path / "a.whl").touch()
    (tmp_path / ".cog").mkdir()
    build = Build(
        python_version="3.12.4",
        python_packages=("./a.whl", "--extra-index-url https://x", "cog"),
        run=(Command("ls"),),
        system_packages=("ffmpeg",),
        gpu=True,
    )
    plan = resolve(Config(build, predict="a.py:B", environment={"A": "1"}), tmp_path)

    (tmp_path / PLAN_PATH).write_text(json.dumps(plan_json(plan)))
    (tmp_path / LOCK_PATH).touch()

    assert read_plan(tmp_path) == plan


@pytest.mark.parametrize(
    "stored", ["", "[]", "{}", '{"python_version": 3}', '{"python_version":"3.12","run":[{"x":1}]}']
)
def test_a_forged_plan_is_refused(tmp_path: Path, stored: str) -> None:
    (tmp_path / ".cog").mkdir()
    (tmp_path / PLAN_PATH).write_text(stored)
    (tmp_path / LOCK_PATH).touch()

    with pytest.raises(BundleInvalid, match="The bundle carries no plan that can be read"):
        read_plan(tmp_path)
