"""What an image says of itself."""

import json
import subprocess

import cog
import coghub
from coghub.build.image.labels import RELEASE, REVISION, labels_of, origin_of


def test_an_image_carries_cogs_labels_and_ours(plan):
    document = {"openapi": "3.0.2"}

    labels = labels_of(plan, document, pip_freeze="six==1.16.0", origin={REVISION: "abc"})

    assert json.loads(labels.pop("run.cog.config")) == plan.config
    assert json.loads(labels.pop("run.cog.openapi_schema")) == document
    assert labels == {
        "run.cog.version": cog.__version__,
        "run.cog.pip_freeze": "six==1.16.0",
        "run.cog.has_init": "true",
        "run.coghub.version": coghub.__version__,
        REVISION: "abc",
    }


def test_git_says_the_revision(tmp_path):
    def git(*arguments: str) -> str:
        own = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        command = ["git", "-C", str(tmp_path), *own, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "First")
    git("tag", "-a", "v1.2", "-m", "v1.2")

    assert origin_of(tmp_path, {}) == {REVISION: git("rev-parse", "HEAD"), RELEASE: "v1.2"}


def test_outside_of_git_the_variables_of_ci_do(tmp_path):
    environ = {"GITHUB_SHA": "abc", "GITHUB_REF_NAME": "main"}

    assert origin_of(tmp_path, environ) == {REVISION: "abc", RELEASE: "main"}
    assert origin_of(tmp_path, {}) == {}
