import pytest
from tests.coghub.build.doctor.conftest import CONFIG, PYTHON, WITH_REQUIREMENTS, Folder


def put(folder: Folder, name: str, script: str) -> None:
    """Put a program of that name in front of all others."""
    programs = folder.path.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)
    folder.environ["PATH"] = f"{programs}:{folder.environ['PATH']}"


@pytest.fixture
def broken(folder: Folder) -> Folder:
    put(folder, "docker", "echo 'Cannot connect to the Docker daemon at unix:///x' >&2; exit 1")
    return folder


def test_docker_that_is_wanted_and_does_not_answer_is_an_error(broken: Folder):
    broken.environ["COG_ENGINE"] = "docker"

    (finding,) = broken.findings("env-docker")

    assert finding.level == "error"
    assert "error pinging docker daemon: Cannot connect to the Docker daemon" in finding.message


def test_docker_that_nobody_asked_for_is_only_spoken_of(broken: Folder):
    broken.environ["COG_ENGINE"] = "auto"
    broken.environ["DOCKER_HOST"] = "unix:///x"

    assert [it.level for it in broken.findings("env-docker")] == ["info"]


@pytest.mark.parametrize("environ", [{"COG_ENGINE": "local"}, {"COG_SKIP_DOCKER_CHECK": "1"}])
def test_docker_may_be_passed_over(broken: Folder, environ: dict[str, str]):
    broken.environ |= {"COG_ENGINE": "docker", **environ}

    assert broken.findings("env-docker") == []


def test_a_python_that_is_not_here_is_warned_of(folder: Folder):
    folder.write({"cog.yaml": CONFIG.replace(PYTHON, "3.99")})

    (line,) = folder.lines("env-python-version")

    assert line.startswith("warning cog.yaml:2: No Python 3.99 on this machine")


def test_the_nearest_patch_is_named(folder: Folder):
    folder.write({"cog.yaml": CONFIG.replace(PYTHON, f"{PYTHON}.999")})

    (line,) = folder.lines("env-python-version")

    assert f"Python {PYTHON}.999 is not on this machine: {PYTHON}." in line


def test_with_docker_the_python_comes_with_the_image(broken: Folder):
    broken.environ["COG_ENGINE"] = "docker"
    broken.write({"cog.yaml": CONFIG.replace(PYTHON, "3.99")})

    assert broken.findings("env-python-version") == []


def test_so_it_does_where_an_engine_answers(folder: Folder):
    put(folder, "docker", "echo 28.0")
    folder.environ |= {"COG_ENGINE": "auto", "DOCKER_HOST": "unix:///x"}
    folder.write({"cog.yaml": CONFIG.replace(PYTHON, "3.99")})

    assert folder.findings() == []


def with_torch(folder: Folder, version: str) -> None:
    config = WITH_REQUIREMENTS.replace("build:", "build:\n  gpu: true", 1).replace(PYTHON, "3.11")
    folder.write({"cog.yaml": config, "requirements.txt": f"torch=={version}\n"})


def test_a_gpu_without_kernels_is_warned_of(folder: Folder):
    put(folder, "nvidia-smi", "echo 12.0")
    with_torch(folder, "2.4.1")

    (line,) = folder.lines("env-gpu-compat")

    assert "torch 2.4.1 with CUDA 12.4 has no kernels for the GPU here" in line


@pytest.mark.parametrize(
    ("capability", "environ"), [("8.0", {}), ("12.0", {"COG_SKIP_GPU_CHECK": "1"})]
)
def test_a_gpu_that_fits_or_is_passed_over_is_fine(
    folder: Folder, capability: str, environ: dict[str, str]
):
    put(folder, "nvidia-smi", f"echo {capability}")
    folder.environ |= environ
    with_torch(folder, "2.4.1")

    assert folder.findings("env-gpu-compat") == []


def test_a_torch_without_wheels_for_the_python_is_warned_of(folder: Folder):
    config = WITH_REQUIREMENTS.replace(PYTHON, "3.13")
    folder.write({"cog.yaml": config, "requirements.txt": "torch==2.0.1\n"})

    messages = [it.message for it in folder.findings("env-python-version")]

    assert any(it.startswith("torch 2.0.1 has no wheel for Python 3.13") for it in messages)
