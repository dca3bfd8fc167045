"""When a model needs CUDA's compiler or libraries, and not only the wheels of PyTorch."""

import re
from collections.abc import Iterator

from coghub.build.plan import Plan
from coghub.build.requirement_lines import name_of

COMPILED = frozenset(
    [
        "apex",
        "auto-gptq",
        "deepspeed",
        "detectron2",
        "flash-attn",
        "gptqmodel",
        "mamba-ssm",
        "causal-conv1d",
        "mmcv",
        "mmcv-full",
        "pytorch3d",
        "nvdiffrast",
        "spconv-cu118",
        "tiny-cuda-nn",
        "torch-scatter",
        "torch-sparse",
        "torch-cluster",
        "transformer-engine",
        "vllm-flash-attn",
    ]
)
"""Compiled against PyTorch when they are installed, or when they are first used."""
LINKED = frozenset(
    [
        "ctranslate2",
        "cupy",
        "cupy-cuda11x",
        "cupy-cuda12x",
        "cupy-cuda13x",
        "faster-whisper",
        "onnxruntime-gpu",
        "paddlepaddle-gpu",
        "pycuda",
        "tensorrt",
        "whisperx",
    ]
)
"""Look for CUDA's or cuDNN's libraries in the system."""
_WORDS = re.compile(r"\bnvcc\b|CUDA_HOME|TORCH_CUDA_ARCH_LIST|\bsetup\.py\b|\bninja\b|cuda-toolkit")
_SYSTEM = re.compile(r"^(cuda-|libcudnn|libcublas|libnccl|nvidia-cuda|ninja-build)")
_FROM_SOURCE = re.compile(
    r"git\+\S*(cuda|xformers|flash|detectron|nvdiff|rasteriz|splat)", re.IGNORECASE
)


def needs_of(plan: Plan) -> tuple[str, ...]:
    """Return what in a plan needs more of CUDA than wheels bring, for people; empty if nothing."""
    return tuple(dict.fromkeys(_needs(plan)))


def _needs(plan: Plan) -> Iterator[str]:
    if plan.cudnn:
        yield f"`cudnn: {plan.cudnn}`"
    for line in plan.requirements:
        name = name_of(line)
        if name in COMPILED or name in LINKED:
            yield name
        elif _FROM_SOURCE.search(line) or "_local" in line:
            yield line.split()[0]
    for found in filter(None, (_WORDS.search(command.command) for command in plan.run)):
        yield f"`{found[0]}` in build.run"
    for name in (*plan.environment, *plan.system_packages):
        if _WORDS.search(name) or _SYSTEM.match(name):
            yield name
