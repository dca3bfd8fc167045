"""The labels of a model's image: Cog's, and ours.

Source: Cog's labels, which its own tools and Replicate read.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cog
import coghub
from coghub.build.bundle_content import compact
from coghub.build.plan import Plan

MODEL = "run.coghub.model"
"""On every image of a model that was built here."""
REVISION, RELEASE = "org.opencontainers.image.revision", "org.opencontainers.image.version"


def labels_of(
    plan: Plan, document: Mapping[str, Any], *, pip_freeze: str, origin: Mapping[str, str]
) -> dict[str, str]:
    """Return the labels of an image."""
    return {
        "run.cog.version": cog.__version__,
        "run.cog.config": compact(plan.config),
        "run.cog.openapi_schema": compact(document),
        "run.cog.pip_freeze": pip_freeze,
        "run.cog.has_init": "true",
        "run.coghub.version": coghub.__version__,
        **origin,
    }


def origin_of(project: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that say which revision of the sources it is, as far as that is known."""
    revision = _git(project, "rev-parse", "HEAD") or environ.get("GITHUB_SHA", "")
    release = _git(project, "describe", "--tags") or environ.get("GITHUB_REF_NAME", "")
    return {name: value for name, value in ((REVISION, revision), (RELEASE, release)) if value}


def _git(project: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *arguments],  # noqa: S607 - the user's own
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
