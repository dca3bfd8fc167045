"""Small projects on disk, and what the checks say of them."""

import os
import sys
from pathlib import Path

import pytest

from coghub.build.doctor import machine_checks
from coghub.build.doctor.examination import CHECKS, FIXES, SAFE_FIXES, findings_of, repairs
from coghub.build.doctor.findings import Finding
from coghub.build.doctor.project import ExaminedProject
from coghub.settings import current_settings, read_settings

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CONFIG = f'build:\n  python_version: "{PYTHON}"\npredict: "predict.py:Predictor"\n'
WITH_REQUIREMENTS = CONFIG.replace(
    "predict:", "  python_requirements: requirements.txt\npredict:", 1
)
TOKEN_LIKE = "hf_" + "Ab1Cd2Ef3G" * 4
"""Put together, so that no scanner takes this file for a leak."""
PREDICTOR = """\
from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        return text
"""


class Folder:
    """A project that is right until a test writes something into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ = {
            "HOME": str(path.parent),
            "PATH": current_settings().environ["PATH"],
            "COG_CACHE_DIR": str(path.parent / "cache"),
            "COG_ENGINE": "local",
            "PIP_CONFIG_FILE": os.devnull,
        }
        self.write({"cog.yaml": CONFIG, "predict.py": PREDICTOR})

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(self, name: str) -> str:
        return (self.path / name).read_bytes().decode()

    @property
    def project(self) -> ExaminedProject:
        return ExaminedProject(self.path, "cog.yaml", read_settings(self.environ))

    def findings(self, check: str | None = None) -> list[Finding]:
        """Return what the checks say, or only what one of them does."""
        if check is None:
            return findings_of(self.project)
        project = self.project
        checks = [FIXES[check]] if check in FIXES else CHECKS
        if not check.startswith("env-"):  # these start processes
            checks = [it for it in checks if it.__module__ != machine_checks.__name__]
        return [it for one in checks for it in one(project) if it.check == check]

    def lines(self, check: str | None = None) -> list[str]:
        return [f"{it.level} {it.place}: {it.message}" for it in self.findings(check)]

    def fix(self, check: str | None = None) -> list[str]:
        """Mend, and return what was done or why it was not."""
        names = [check] if check else [*SAFE_FIXES]
        done = [*repairs(self.project, names)]
        return [it.fault or ", ".join(it.descriptions) for it in done]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "project").mkdir()
    return Folder(tmp_path / "project")
