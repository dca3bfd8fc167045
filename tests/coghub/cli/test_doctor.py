"""The command itself, on real folders."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coghub.build.doctor.examination import examine, findings_of
from coghub.build.doctor.findings import Level
from coghub.build.doctor.project import ExaminedProject
from coghub.settings import current_settings, read_settings

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
HEADER = (
    "NOTE: cog doctor is experimental. Its checks and texts may change.\nRunning cog doctor...\n"
)
TOKEN = "hf_" + "Ab1Cd2Ef3G" * 4
BROKEN = f"""\
from cog import BasePredictor, ExperimentalFeatureWarning
import warnings
warnings.filterwarnings("ignore", category=ExperimentalFeatureWarning)
TOKEN = "{TOKEN}"


class Predictor(BasePredictor):
    def predict(self, text: str):
        return text
"""


class Doctor:
    """The command in a folder of its own."""

    def __init__(self, folder: Path, environ: dict[str, str]):
        self.folder = folder
        self.environ = environ

    def __call__(self, *arguments, folder=None):
        done = subprocess.run(
            [Path(sys.executable).with_name("cog"), "doctor", *arguments],
            cwd=folder or self.folder,
            env=self.environ,
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def doctor(tmp_path):
    environ = {
        "HOME": str(tmp_path),
        "PATH": current_settings().environ["PATH"],
        "COG_CACHE_DIR": str(tmp_path / "cache"),
        "COG_ENGINE": "local",
    }
    folder = tmp_path / "model"
    shutil.copytree(EXAMPLES / "hello-world", folder)
    config = (folder / "cog.yaml").read_text()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "cog.yaml").write_text(config.replace("3.12", version))
    return Doctor(folder, environ)


@pytest.mark.slow
def test_a_project_that_is_right_has_no_issues(doctor):
    code, out, err = doctor()

    assert (code, out) == (0, "")
    assert err == f"{HEADER}\nno issues found\n"


@pytest.mark.slow
def test_errors_come_first_and_make_it_fail(doctor):
    (doctor.folder / "predict.py").write_text(BROKEN)
    (doctor.folder / "model.safetensors").touch()
    os.truncate(doctor.folder / "model.safetensors", 11_000_000)

    code, out, err = doctor()

    assert (code, out) == (1, "")
    assert err == HEADER + (
        "\nErrors\n"
        "  predict.py:1: `ExperimentalFeatureWarning` was removed in cog 0.17"
        " [python-deprecated-imports]\n"
        "    Remediation: It still works here; `cog doctor --fix` removes it\n"
        "  predict.py:8: Predictor.predict() is missing a return type annotation"
        " [python-missing-type-annotations]\n"
        "    Remediation: Say what it returns, such as `def predict(…) -> str:`\n"
        "  predict.py:4: A Hugging Face token would be pushed with the project (`hf_A…`)"
        " [secrets-in-tree]\n"
        "    Remediation: Take it out and make a new one; give it to the model as a secret,"
        " not as a file\n"
        "\nWarnings\n"
        "  model.safetensors: 11.0 MB would be pushed with the code [large-files]\n"
        "    Remediation: Name it under `weights` in cog.yaml and run `cog weights import`,"
        " or leave it out with `.dockerignore`\n"
        "\nfound 3 errors, 1 warning\n"
    )


@pytest.mark.slow
def test_a_fix_is_shown_as_a_diff_without_secrets_and_made_once(doctor):
    (doctor.folder / "predict.py").write_text(BROKEN)

    code, out, err = doctor("--fix")

    assert code == 1  # the annotation and the token are left to a person
    assert out == (
        "--- a/predict.py\n+++ b/predict.py\n@@ -1,6 +1,5 @@\n"
        "-from cog import BasePredictor, ExperimentalFeatureWarning\n"
        "+from cog import BasePredictor\n"
        " import warnings\n"
        '-warnings.filterwarnings("ignore", category=ExperimentalFeatureWarning)\n'
        ' TOKEN = "hf_A..."\n \n \n'
    )
    assert "Fixed: removed `ExperimentalFeatureWarning`\n" in err
    assert TOKEN in (doctor.folder / "predict.py").read_text()
    assert doctor("--fix")[1] == ""


@pytest.mark.slow
def test_the_newer_spelling_is_for_who_names_it(doctor):
    assert doctor("--fix")[1] == ""

    code, out, err = doctor("--fix", "predict-to-run-migration")

    assert code == 0
    assert "rename from predict.py\nrename to run.py\n" in out
    assert "Fixed: moved predict.py:Predictor to run.py:Runner, and `predict` to `run`" in err
    assert doctor()[0] == 0


@pytest.mark.slow
def test_it_may_be_called_from_a_folder_below_and_for_another_config(doctor):
    (doctor.folder / "other.yaml").write_text("predict: nowhere.py:P\n")
    (doctor.folder / "below").mkdir()

    assert doctor(folder=doctor.folder / "below")[0] == 0
    code, _, err = doctor("-f", "other.yaml", folder=doctor.folder / "below")

    assert code == 1
    assert "other.yaml:1: nowhere.py not found [config-predict-ref]" in err


@pytest.mark.slow
def test_a_folder_without_a_config_is_no_project(doctor, tmp_path):
    (tmp_path / "empty").mkdir()

    code, _, err = doctor("-f", "no.yaml", folder=tmp_path / "empty")

    assert code == 1
    assert "no.yaml not found in" in err
    assert "[config-parse]" in err


@pytest.mark.slow
def test_a_check_that_there_is_not_is_a_wrong_call(doctor):
    code, _, err = doctor("--fix", "everything")

    assert code == 1
    assert err.startswith("error: Invalid value for '--fix'")


CONFIGS = sorted(
    path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/cog*.yaml") if "test" not in path.name
)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_examples_have_no_errors(config, tmp_path):
    environ = {**current_settings().environ, "COG_CACHE_DIR": str(tmp_path), "COG_ENGINE": "local"}
    place = EXAMPLES / config

    project = examine(place.name, place.parent, read_settings(environ))

    assert isinstance(project, ExaminedProject)
    assert [it for it in findings_of(project) if it.level is Level.ERROR] == []
