"""What a plan needs of CUDA, and what its image begins with; nothing is looked up outside.

1. TensorFlow, else PyTorch, says which CUDA there may be; cog.yaml may choose among them.
2. PyTorch's wheels bring their own CUDA: Python's slim image is enough, unless something is
   compiled or looks for CUDA in the system.
3. Versions newer than the tables bring their own CUDA too, from the default index.
"""

from dataclasses import dataclass, replace

from packaging.version import Version

from coghub.build.accelerator import base_image
from coghub.build.accelerator.tables import (
    ImageRow,
    TensorFlowRow,
    TorchRow,
    tensorflow_rows,
    torch_rows,
)
from coghub.build.accelerator.toolkit import needs_of
from coghub.build.accelerator.wanted import Wanted, wanted
from coghub.build.plan import Plan
from coghub.domain.errors import ConfigInvalid, RequirementsInvalid

DEFAULT_CUDA = "11.8"
"""For a model that uses a GPU by neither PyTorch nor TensorFlow, as Cog's."""
WHEELS = "https://download.pytorch.org/whl"
CPU_INDEX = f"{WHEELS}/cpu/"
COMPANIONS = ("torchvision", "torchaudio")
TENSORFLOW = ("tensorflow", "tensorflow-gpu")
OWN_CUDA = "and-cuda"
"""TensorFlow's extra that brings CUDA as wheels."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What a plan needs beside the plan itself."""

    base_image: str
    python_image: str | None = None
    """The image whose `/usr/local` is copied in, where the base has no Python."""
    requirements: tuple[str, ...] = ()
    """The plan's lines; what had to be changed is changed."""
    extra_index_urls: tuple[str, ...] = ()
    cuda: str | None = None
    cudnn: str | None = None
    notes: tuple[str, ...] = ()
    """Lines for the user: what was chosen."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """What a framework says."""

    cuda: str
    cudnn: str | None = None
    index_url: str | None = None
    brings_cuda: bool = False
    requirements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def choose(plan: Plan, *, wants_cuda_image: bool | None = None) -> Accelerator:
    """Return what a plan needs.

    Args:
        plan: what is built.
        wants_cuda_image: NVIDIA's image with compilers and libraries, or Python's slim one; None
            takes the smaller one that is enough.

    Raises:
        ConfigInvalid: if its CUDA, cuDNN and frameworks do not go together.
        RequirementsInvalid: if there is no wheel for its version of Python.
    """
    torch = wanted(plan.requirements, "torch")
    if not plan.gpu:
        return _without_gpu(plan, torch)
    found = _found(plan, torch)
    warnings = (*found.warnings, *_companion_warnings(plan, torch))
    chosen = Accelerator(
        base_image=base_image.slim(plan.python_version),
        requirements=found.requirements or plan.requirements,
        extra_index_urls=(found.index_url,) if found.index_url else (),
        cuda=found.cuda,
        cudnn=found.cudnn,
        notes=found.notes,
        warnings=warnings,
    )
    needs = needs_of(plan)
    is_slim = found.brings_cuda and not needs if wants_cuda_image is None else not wants_cuda_image
    if is_slim:
        return replace(chosen, notes=(*chosen.notes, *_slim_note(found, plan)))
    return _on_cuda_image(chosen, found, plan, needs)


def _without_gpu(plan: Plan, torch: Wanted | None) -> Accelerator:
    """PyTorch's index for the CPU has wheels without gigabytes of CUDA."""
    is_cpu = torch is not None and not torch.is_elsewhere and torch.tag in (None, "cpu")
    if torch is not None:
        _require_python(plan, torch, [row for row in torch_rows() if row.cuda is None])
    return Accelerator(
        base_image=base_image.slim(plan.python_version),
        requirements=plan.requirements,
        extra_index_urls=(CPU_INDEX,) if is_cpu else (),
        warnings=_companion_warnings(plan, torch),
    )


def _found(plan: Plan, torch: Wanted | None) -> _Found:
    tensorflow = wanted(plan.requirements, *TENSORFLOW)
    if tensorflow is not None:
        return _of_tensorflow(plan, tensorflow)
    if torch is not None:
        return _of_torch(plan, torch)
    return _Found(cuda=plan.cuda or DEFAULT_CUDA)


def _of_tensorflow(plan: Plan, tensorflow: Wanted) -> _Found:
    rows = [row for row in tensorflow_rows() if tensorflow.allows(row.version)]
    if not rows:
        return _of_unknown_tensorflow(plan, tensorflow)
    row = max(rows, key=lambda row: row.version)
    _require_tensorflow_python(plan, tensorflow, rows)
    brings_cuda = OWN_CUDA in tensorflow.requirement.extras
    if plan.cudnn and plan.cudnn != row.cudnn:
        raise ConfigInvalid(
            f"the specified cuDNN version {plan.cudnn} is not compatible with"
            f" tensorflow=={row.version}.\nCompatible cuDNN version is: {row.cudnn}"
        )
    warnings: tuple[str, ...] = ()
    if plan.cuda and _minor(plan.cuda) != _minor(row.cuda):
        warnings = (
            (
                f"Cog doesn't know if CUDA {plan.cuda} is compatible with Tensorflow {row.version}."
                f" This might cause CUDA problems. Try {row.cuda} instead?"
            ),
        )
    return _Found(plan.cuda or row.cuda, row.cudnn, brings_cuda=brings_cuda, warnings=warnings)


def _of_unknown_tensorflow(plan: Plan, tensorflow: Wanted) -> _Found:
    newest = max(row.version for row in tensorflow_rows())
    pinned = tensorflow.pinned
    if pinned is None or pinned < newest or plan.cuda:
        if plan.cuda:
            return _Found(plan.cuda)
        raise ConfigInvalid(
            "cog doesn't know what CUDA version is compatible with"
            f" tensorflow=={tensorflow.shown()}. You might need to upgrade Cog or set `cuda`"
            f" in cog.yaml"
        )
    line = _with_extra(tensorflow, OWN_CUDA)
    lines = tuple(line if one == tensorflow.line else one for one in plan.requirements)
    note = f"tensorflow {pinned} is newer than what is known here: it brings its own CUDA"
    return _Found("", brings_cuda=True, requirements=lines, notes=(note,))


def _of_torch(plan: Plan, torch: Wanted) -> _Found:
    if torch.tag:
        return _of_tag(plan, torch, torch.tag)
    rows = [row for row in torch_rows() if row.cuda and torch.allows(row.version)]
    if not rows:
        return _of_unknown_torch(plan, torch)
    _require_python(plan, torch, rows)
    fitting = [row for row in rows if _python(plan) in row.pythons]
    newest = max(row.version for row in fitting)
    cudas = {row.cuda: row for row in fitting if row.version == newest and row.cuda}
    highest = max(cudas, key=Version)
    warnings: tuple[str, ...] = ()
    cuda = plan.cuda or highest
    if _minor(cuda) not in {_minor(known) for known in cudas}:
        warnings = (
            (
                f"Cog doesn't know if CUDA {cuda} is compatible with PyTorch {newest}."
                f" This might cause CUDA problems. Try {highest} instead?"
            ),
        )
    below = [known for known in cudas if _minor(known) <= _minor(cuda)]
    row = cudas[max(below, key=Version)] if below else None
    index = row.index_url if row and not torch.is_elsewhere else None
    return _Found(
        cuda, plan.cudnn, index, brings_cuda=row is not None or not warnings, warnings=warnings
    )


def _of_tag(plan: Plan, torch: Wanted, tag: str) -> _Found:
    """PyTorch with a CUDA that the user typed, such as `torch==2.0.1+cu118`."""
    digits = tag.removeprefix("cu")
    if not (tag.startswith("cu") and digits[:-2].isdigit() and digits.isdigit()):
        return _Found(plan.cuda or DEFAULT_CUDA, plan.cudnn, brings_cuda=tag == "cpu")
    cuda = f"{digits[:-1]}.{digits[-1]}"
    _require_python(plan, torch, [row for row in torch_rows() if torch.allows(row.version)])
    warnings: tuple[str, ...] = ()
    if plan.cuda and _minor(plan.cuda) != _minor(cuda):
        warnings = (
            (
                f"Cog doesn't know if CUDA {plan.cuda} is compatible with PyTorch {torch.pinned}."
                f" This might cause CUDA problems. Try {cuda} instead?"
            ),
        )
    return _Found(
        plan.cuda or cuda, plan.cudnn, f"{WHEELS}/{tag}/", brings_cuda=True, warnings=warnings
    )


def _of_unknown_torch(plan: Plan, torch: Wanted) -> _Found:
    newest = max(row.version for row in torch_rows())
    if torch.requirement.url or torch.pinned is None or torch.pinned > newest:
        note = f"torch {torch.shown()} is newer than what is known here: it brings its own CUDA"
        if torch.requirement.url:
            note = "torch comes from an address of its own, and brings its own CUDA"
        return _Found(plan.cuda or "", plan.cudnn, brings_cuda=True, notes=(note,))
    if plan.cuda:
        return _Found(plan.cuda, plan.cudnn)
    raise ConfigInvalid(
        f"cog doesn't know what CUDA version is compatible with torch=={torch.shown()}."
        " You might need to upgrade Cog or set `cuda` in cog.yaml"
    )


def _on_cuda_image(
    chosen: Accelerator, found: _Found, plan: Plan, needs: tuple[str, ...]
) -> Accelerator:
    cuda = found.cuda or DEFAULT_CUDA
    image, note = _image_of(cuda, plan.cudnn or found.cudnn)
    reason = f", for {', '.join(needs)}" if needs else ""
    return replace(
        chosen,
        base_image=f"{base_image.REPOSITORY}:{image.tag}",
        python_image=base_image.python_image(image, plan.python_version),
        cuda=cuda,
        cudnn=image.cudnn,
        notes=(*chosen.notes, *note, f"Base image {base_image.REPOSITORY}:{image.tag}{reason}"),
    )


def _image_of(cuda: str, cudnn: str | None) -> tuple[ImageRow, tuple[str, ...]]:
    if cudnn is None or cudnn in base_image.cudnns(cuda):
        return base_image.cuda_image(cuda, cudnn), ()
    nearest = base_image.nearest_image(cuda, cudnn)
    if nearest is None:
        return base_image.cuda_image(cuda, cudnn), ()
    note = f"No image has CUDA {cuda} with cuDNN {cudnn}: CUDA {nearest.cuda} is taken"
    return nearest, (note,)


def _slim_note(found: _Found, plan: Plan) -> tuple[str, ...]:
    if not found.cuda or not base_image.cudnns(found.cuda):
        return ()
    tag = base_image.cuda_image(found.cuda, None).tag
    slim = base_image.slim(plan.python_version)
    return (
        (
            f"Base image {slim}: the wheels bring CUDA {found.cuda};"
            f" `--use-cuda-base-image true` takes {base_image.REPOSITORY}:{tag}"
        ),
    )


def _companion_warnings(plan: Plan, torch: Wanted | None) -> tuple[str, ...]:
    """Return one line for each companion that does not belong to the pinned PyTorch."""
    if torch is None or torch.pinned is None:
        return ()
    rows = [row for row in torch_rows() if torch.allows(row.version)]
    warnings: list[str] = []
    for name in COMPANIONS:
        companion = wanted(plan.requirements, name)
        if not rows or companion is None or companion.pinned is None:
            continue
        known = sorted({getattr(row, name) for row in rows})
        if companion.pinned.public not in known:
            shown = torch.pinned.public
            warnings.append(
                f"{name} {companion.pinned.public} does not belong to torch {shown}:"
                f" {', '.join(known)} does"
            )
    return tuple(warnings)


def _require_python(plan: Plan, torch: Wanted, rows: list[TorchRow]) -> None:
    fitting = [row for row in rows if torch.allows(row.version)]
    pythons = {python for row in fitting for python in row.pythons}
    if not fitting or _python(plan) in pythons or torch.is_elsewhere:
        return
    has = [row.version for row in torch_rows() if _python(plan) in row.pythons]
    others = f"; Python {_python(plan)} has torch {min(has)} to {max(has)}" if has else ""
    raise _no_wheel("torch", torch, plan, pythons, others)


def _require_tensorflow_python(plan: Plan, tensorflow: Wanted, rows: list[TensorFlowRow]) -> None:
    pythons = {python for row in rows for python in row.pythons}
    if _python(plan) not in pythons and tensorflow.pinned is not None:
        raise _no_wheel("tensorflow", tensorflow, plan, pythons, "")


def _no_wheel(
    name: str, one: Wanted, plan: Plan, pythons: set[str], others: str
) -> RequirementsInvalid:
    known = ", ".join(sorted(pythons, key=Version))
    return RequirementsInvalid(
        f"{name} {one.shown()} has no wheel for Python {_python(plan)}, but for {known}{others}",
        hint="Change `python_version` in cog.yaml, or the version of the package",
    )


def _python(plan: Plan) -> str:
    return ".".join(plan.python_version.split(".")[:2])


def _minor(version: str) -> tuple[int, ...]:
    return Version(version).release[:2]


def _with_extra(one: Wanted, extra: str) -> str:
    extras = ",".join(sorted({*one.requirement.extras, extra}))
    rest = one.line[len(one.requirement.name) :].lstrip()
    if rest.startswith("["):
        rest = rest.partition("]")[2]
    return f"{one.requirement.name}[{extras}]{rest}"
