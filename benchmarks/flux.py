"""Measure the Flux example at full size: seconds per picture, and peak memory, for each plan.

Runs in the example's environment: `make bench-flux`. The weights are random, which takes as long
and as much as the real ones; making them takes minutes and 34 GB, in memory where there is room.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

EXAMPLE = Path(__file__).parents[1] / "examples" / "flux"
sys.path.insert(0, str(EXAMPLE))

from memory import CPU, MODEL, RESIDENT, SEQUENTIAL  # noqa: E402 - it is in the example's folder
from sizes import Size  # noqa: E402 - too

GIB = 1024**3
SPREAD = 0.02
"""The deviation of the random weights: small, so that nothing overflows in 57 blocks."""


def write_full_size(folder: Path) -> None:
    """Write a checkpoint of FLUX.1-dev's sizes in bfloat16, with tiny.py's tokenizers."""
    import tiny
    from diffusers import (
        AutoencoderKL,
        FlowMatchEulerDiscreteScheduler,
        FluxPipeline,
        FluxTransformer2DModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    long_text = T5Config(
        d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    text = CLIPTextConfig(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
        projection_dim=768,
    )  # fmt: skip
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("meta"):
        parts = {
            "vae": AutoencoderKL(
                block_out_channels=(128, 256, 512, 512),
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                latent_channels=16,
                layers_per_block=2,
                use_quant_conv=False,
                use_post_quant_conv=False,
                scaling_factor=0.3611,
                shift_factor=0.1159,
            ),
            "text_encoder": CLIPTextModel(text),
            "text_encoder_2": T5EncoderModel(long_text),
            "transformer": FluxTransformer2DModel(guidance_embeds=True),
        }
    for part in parts.values():
        _fill(part)
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        tokenizer=tiny.clip_tokenizer(),
        tokenizer_2=tiny.t5_tokenizer(),
        **parts,
    ).save_pretrained(folder)


def _fill(part: torch.nn.Module) -> None:
    """Give a model of no device its memory, and random numbers."""
    part.to_empty(device="cpu")
    for weights in part.parameters():
        if weights.dim() > 1:
            weights.data.normal_(0, SPREAD)
        else:
            weights.data.fill_(1)
    for name, buffer in part.named_buffers():
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.shape[-1]).expand(buffer.shape))


def measure(folder: Path, plan: str, steps: int, pixels: int, *, is_fast: bool) -> dict[str, float]:
    """Return the seconds of a picture, its first one aside, and the GPU's peak memory in bytes."""
    from pipelines import Picture, Pipelines

    start = time.perf_counter()
    pipelines = Pipelines(folder, plan)
    setup_s = time.perf_counter() - start
    picture = Picture(size=Size(pixels, pixels), steps=steps, guidance=3.5, strength=1.0)

    def make(seed: int) -> float:
        start = time.perf_counter()
        prompt = pipelines.read("a lighthouse at dusk")
        pipelines.make(picture, prompt, seed, lambda: None, is_fast=is_fast)
        return time.perf_counter() - start

    first_s = make(0)
    again_s = min(make(1), make(2))
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return {"setup_s": setup_s, "first_s": first_s, "picture_s": again_s, "peak_bytes": peak}


def _measured_alone(folder: Path, plan: str, arguments: argparse.Namespace, *flags: str) -> str:
    """Measure in a process of its own, so that nothing is on the GPU; return a row."""
    size = ["--steps", str(arguments.steps), "--pixels", str(arguments.pixels)]
    command = [sys.executable, __file__, "--weights", str(folder), "--plan", plan, *size, *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    name = " ".join([plan, *(it.lstrip("-") for it in flags)])
    if done.returncode:
        return f"| {name} | failed | | | |"
    found = json.loads(done.stdout.splitlines()[-1])
    return (
        f"| {name} | {found['setup_s']:.1f} s | {found['first_s']:.2f} s "
        f"| {found['picture_s']:.2f} s | {found['peak_bytes'] / GIB:.1f} GiB |"
    )


def main() -> None:
    """Measure every plan that this machine can have, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, help="a checkpoint, in place of a random one")
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--pixels", type=int, default=1024, help="of width and height")
    parser.add_argument("--plan", help="measure this one here, and print JSON")
    parser.add_argument("--go-fast", action="store_true")
    arguments = parser.parse_args()
    if arguments.plan:
        size = (arguments.steps, arguments.pixels)
        measured = measure(arguments.weights, arguments.plan, *size, is_fast=arguments.go_fast)
        print(json.dumps(measured))
        return
    has_gpu = torch.cuda.is_available()
    if not has_gpu and arguments.weights is None:
        sys.exit("No GPU is here: at full size nothing can be measured. Try --weights tiny/base")
    shared = Path("/dev/shm")  # noqa: S108 - where there is room in memory
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as made:
        folder = arguments.weights or Path(made)
        if arguments.weights is None:
            write_full_size(folder)
        name = torch.cuda.get_device_name() if has_gpu else platform.processor() or "CPU"
        print(f"{name}, torch {torch.__version__}, {arguments.pixels} x {arguments.pixels} pixels, "
              f"{arguments.steps} steps\n")  # fmt: skip
        print(
            "| plan | setup | first picture | each further | peak memory |\n|---|---|---|---|---|"
        )
        for plan in [RESIDENT, MODEL, SEQUENTIAL] if has_gpu else [CPU]:
            print(_measured_alone(folder, plan, arguments), flush=True)
            if plan == RESIDENT:
                print(_measured_alone(folder, plan, arguments, "--go-fast"), flush=True)


if __name__ == "__main__":
    main()
