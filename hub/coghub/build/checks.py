"""What the fields of a cog.yaml must mean; the texts are Cog's own, since tools look for them."""

import re
from pathlib import Path

from coghub.build.accelerator import base_image
from coghub.build.accelerator.pins import pinned_tensorflow, tensorflow_cuda
from coghub.build.cog_yaml import Config
from coghub.build.fields import Problems, Section

MIN_PYTHON = (3, 10)
MIN_CONCURRENT_PYTHON = (3, 11)
MIN_SDK = (0, 16, 0)
MIN_CUDA_MAJOR = 11

RESERVED_NAMES = frozenset(
    {
        "PATH",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "PYTHONUNBUFFERED",
        "LIBRARY_PATH",
        "HF_ENDPOINT",
        "HF_HUB_ENABLE_HF_TRANSFER",
    }
)
RESERVED_PREFIXES = ("R8_", "REPLICATE_", "CUDA_", "NVIDIA_", "NV_", "PGET_", "KUBERNETES_")

EXAMPLES = {
    "run": "run.py:Runner",
    "predict": "predict.py:Predictor",
    "train": "train.py:Trainer",
}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check(root: Section, config: Config, project: Path) -> None:
    """Note every value that means nothing in the section's problems."""
    problems = root.problems
    _check_references(root, problems)
    if root.has("build") and "build" not in problems.fields:
        _check_python_version(config.build.python_version, problems)
        _check_requirements(config, project, problems)
        _check_cuda(config, project, problems)
        _check_sdk(config.build.sdk_version, problems)
    _check_concurrency(config, problems)
    _check_environment(root.texts("environment"), problems)
    _check_model(config, problems)


def minor_version(text: str) -> tuple[int, int]:
    """Return the first two parts of a version that was checked, as in (3, 12)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def _check_references(root: Section, problems: Problems) -> None:
    if root.has("run") and root.has("predict"):
        problems.add("run", "only one of run or predict can be set")
    for name, example in EXAMPLES.items():
        reference = root.text(name) if name not in problems.fields else None
        if reference is not None and not _is_reference(reference):
            problems.add(name, f"must be in the form '{example}'", reference)


def _is_reference(text: str) -> bool:
    path, _, attribute = text.rpartition(".py:")
    return text.count(".py:") == 1 and bool(path) and bool(attribute)


def _check_python_version(version: str, problems: Problems) -> None:
    place = "build.python_version"
    if place in problems.fields:
        return
    if not version:
        problems.add(
            place,
            "python_version is required. Add it to the build section of your cog.yaml,"
            ' e.g. python_version: "3.13"',
        )
        return
    message = _version_fault(version)
    if message is not None:
        problems.add(place, message, version)


def _version_fault(version: str) -> str | None:
    parts = version.split(".")
    if len(parts) not in {2, 3}:
        return "must include major and minor version (e.g., '3.11')"
    for part, name in zip(parts, ("major", "minor", "patch"), strict=False):
        if not (part.isascii() and part.isdigit()):
            return f"invalid {name} version number"
    if minor_version(version) < MIN_PYTHON:
        return "minimum supported Python version is 3.10"
    return None


def _check_requirements(config: Config, project: Path, problems: Problems) -> None:
    build = config.build
    if build.python_packages and build.python_requirements:
        problems.add(
            "build", "only one of python_packages or python_requirements can be set, not both"
        )
    if build.python_requirements and not (project / build.python_requirements).is_file():
        problems.add("build.python_requirements", "file does not exist", build.python_requirements)


def _check_cuda(config: Config, project: Path, problems: Problems) -> None:
    wanted = config.build.cuda
    if wanted is None:
        return
    parts = wanted.split(".")
    if len(parts) not in {2, 3} or not all(part.isdigit() for part in parts):
        problems.add(
            "build.cuda", "must include both major and minor versions (e.g., '11.8')", wanted
        )
    elif int(parts[0]) < MIN_CUDA_MAJOR:
        problems.add("build.cuda", "minimum supported CUDA version is 11", wanted)
    elif config.build.gpu:
        _check_compatibility(config, wanted, project, problems)


def _check_compatibility(config: Config, wanted: str, project: Path, problems: Problems) -> None:
    """Hold CUDA against cuDNN, and against the TensorFlow that the project pins."""
    cudnn = config.build.cudnn
    known = base_image.cudnns(wanted)
    if cudnn is not None and cudnn not in known:
        problems.add(
            "build.cudnn",
            f"CUDA {wanted} is incompatible with CuDNN {cudnn}:"
            f" compatible CuDNN versions are: {', '.join(known)}",
            cudnn,
        )
    tensorflow = pinned_tensorflow(config.build, project)
    required = tensorflow_cuda(tensorflow) if tensorflow else None
    if required is not None and required.partition(".")[0] != wanted.partition(".")[0]:
        problems.add(
            "build.cuda",
            f"TensorFlow {tensorflow} is incompatible with CUDA {wanted}:"
            f" TensorFlow {tensorflow} requires CUDA {required}",
            wanted,
        )


def _check_sdk(version: str | None, problems: Problems) -> None:
    """Refuse a release from before the present contract; ours is used whatever the version says."""
    if version is None or version == "prerelease":
        return
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if found is None:
        problems.add("build.sdk_version", "must be a version such as 0.18.0", version)
    elif tuple(int(part or 0) for part in found.groups()) < MIN_SDK:
        problems.add(
            "build.sdk_version",
            f"cog version {version} is below the minimum required version 0.16.0",
            version,
        )


def _check_concurrency(config: Config, problems: Problems) -> None:
    most = config.max_concurrency
    if most is None:
        return
    if most < 1:
        problems.add("concurrency.max", "must be at least 1", str(most))
    version = config.build.python_version
    is_old = _version_fault(version) is None and minor_version(version) < MIN_CONCURRENT_PYTHON
    if most > 1 and is_old:
        problems.add("concurrency.max", "concurrency requires Python 3.11 or higher", str(most))


def _check_environment(items: tuple[str, ...], problems: Problems) -> None:
    seen: set[str] = set()
    for item in items:
        name, equals, _ = item.partition("=")
        fault = None
        if not equals or not _NAME.fullmatch(name):
            fault = "is not in the KEY=VALUE format"
        elif name in RESERVED_NAMES or name.startswith(RESERVED_PREFIXES):
            fault = "is not allowed: reserved for internal use"
        elif name in seen:
            fault = "is already defined"
        seen.add(name)
        if fault is not None:
            problems.add("environment", f'environment variable "{name}" {fault}')


def _check_model(config: Config, problems: Problems) -> None:
    if config.model is None:
        return
    if config.image is not None:
        problems.add("model", "'model' and 'image' cannot both be set")
    last = config.model.rpartition("/")[2]
    if ":" in last or "@" in config.model:
        problems.add(
            "model", "must be a bare repository — tags and digests are not allowed", config.model
        )
