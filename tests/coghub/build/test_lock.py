"""Universal locks, by the real uv from wheels made on the spot."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coghub.build.index import IndexSettings
from coghub.build.lock import Locks, portable
from coghub.build.plan import Plan
from coghub.domain.errors import EnvironmentFailed
from coghub.settings import Settings

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
OFFLINE = IndexSettings(no_index=True, find_links=("wheels",))


@pytest.mark.slow
def test_a_lock_has_exact_versions_with_hashes_and_is_remembered(
    settings: Settings, tmp_path: Path, make_wheel: Callable[..., Path], report
) -> None:
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "tiny")
    make_wheel(wheels, "wants-cog", requires=("cog", "tiny; python_version > '3'"))
    make_wheel(wheels, "pydantic", "2.9")
    local = make_wheel(tmp_path, "local", requires=("tiny",))
    plan = Plan(
        OWN,
        ("wants-cog", f"./{local.name}"),
        if_missing=("pydantic",),
        index=OFFLINE,
        local_packages={local.name: "sha256:0"},
    )
    locks = Locks(settings, tmp_path / "locks")

    lock = locks.lock(plan, tmp_path, report)
    make_wheel(wheels, "tiny", "2.0")

    assert [line.partition(" ")[0] for line in lock] == [
        *("pydantic==2.9", "tiny==1.0", "wants-cog==1.0"),
    ]
    assert all("--hash=sha256:" in line for line in lock)
    assert report.notices == ["The sources import pydantic: added, list it"]
    assert locks.lock(plan, tmp_path, report) == lock
    elsewhere = Locks(settings, tmp_path / "elsewhere")  # as of another store, on this machine
    assert elsewhere.lock(plan, tmp_path, report) == lock


@pytest.mark.slow
def test_what_cannot_be_locked_is_explained(settings: Settings, tmp_path: Path, report) -> None:
    (tmp_path / "wheels").mkdir()

    with pytest.raises(EnvironmentFailed, match="Could not lock the packages of this model: "):
        Locks(settings, tmp_path / "locks").lock(
            Plan(OWN, ("nothing",), index=OFFLINE), tmp_path, report
        )


def test_what_depends_on_the_machine_is_left_open() -> None:
    lines = [
        "torch==2.13.0+cpu ; sys_platform == 'linux'  --hash=sha256:aa  --hash=sha256:bb",
        "torchvision==0.20.0 --hash=sha256:cc",
        "nvidia-cublas-cu12==12.4 --hash=sha256:dd",
        "triton==3.1 --hash=sha256:ee",
        "local @ file:///somewhere/local.whl",
        "numpy==1.26.0  --hash=sha256:ff",
        "torchmetrics==1.0 --hash=sha256:00",
    ]

    assert portable(lines) == [
        "torch==2.13.0 ; sys_platform == 'linux'",
        "torchvision==0.20.0",
        "numpy==1.26.0 --hash=sha256:ff",
        "torchmetrics==1.0 --hash=sha256:00",
    ]
