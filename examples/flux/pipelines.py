"""Flux's pipelines over one set of weights, where the memory plan lays them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from diffusers import (
    DiffusionPipeline,
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    FluxPipeline,
)
from PIL import Image

from fast import Fast
from images import resized
from memory import CPU, LARGE_PIXELS, MODEL, RESIDENT, Plan, plan
from sizes import Size

# Its new name, `dtype`, is not known to the diffusers of cog.seed.yaml.
warnings.filterwarnings("ignore", message="`torch_dtype` is deprecated")

PIPELINES: dict[str, type[DiffusionPipeline]] = {
    "text to image": FluxPipeline,
    "image to image": FluxImg2ImgPipeline,
    "inpainting": FluxInpaintPipeline,
}
"""To add one, name it here and say in `Picture.kind` when it is meant."""


@dataclass(frozen=True)
class Picture:
    """What is wanted of one picture."""

    size: Size
    steps: int
    guidance: float
    strength: float
    """How much of an image is made anew, 0 to 1."""
    image: Image.Image | None = None
    mask: Image.Image | None = None
    """White where the image is made anew."""

    @property
    def kind(self) -> str:
        """Name the pipeline."""
        if self.image is None:
            return "text to image"
        return "image to image" if self.mask is None else "inpainting"

    def fitted(self) -> "Picture":
        """Return the same with its image and mask in the size of the picture."""
        return replace(
            self,
            image=self.image and resized(self.image, self.size),
            mask=self.mask and resized(self.mask, self.size),
        )

    @property
    def steps_taken(self) -> int:
        """Count the steps that strength leaves: the last ones, one at least."""
        return self.steps if self.image is None else max(1, int(self.steps * self.strength))


@dataclass(frozen=True)
class Prompt:
    """A prompt as the text encoders see it; tensors of shape (1, …)."""

    pooled: torch.Tensor
    tokens: torch.Tensor


class Pipelines:
    """All pipelines, with the same transformer, autoencoder and text encoders."""

    def __init__(self, folder: Path, wanted_plan: str | None = None) -> None:
        """Load the weights from a folder in diffusers' layout, and lay them out.

        Raises:
            ValueError: if the wanted plan is none.
            OSError: if there is no checkpoint.
        """
        has_gpu = torch.cuda.is_available()
        # A CPU has no fast bfloat16, and needs no memory spared.
        dtype = torch.bfloat16 if has_gpu else torch.float32
        self.main = FluxPipeline.from_pretrained(folder, torch_dtype=dtype)
        self.main.set_progress_bar_config(disable=True)
        self.part_bytes = {name: _bytes(part) for name, part in self.main.components.items()}
        gpu_bytes = torch.cuda.get_device_properties(0).total_memory if has_gpu else None
        self.plan: Plan = plan(gpu_bytes, self.part_bytes, wanted_plan)
        self._lay_out()
        self._all = {name: self._sharing(made) for name, made in PIPELINES.items()}
        self._fast = Fast(folder, self.plan)

    def _lay_out(self) -> None:
        if self.plan.name == CPU:
            return
        if self.plan.name == RESIDENT:
            self.main.to("cuda")
        elif self.plan.name == MODEL:
            self.main.enable_model_cpu_offload()
        else:
            self.main.enable_sequential_cpu_offload()

    def _sharing(self, made: type[DiffusionPipeline]) -> DiffusionPipeline:
        if isinstance(self.main, made):
            return self.main
        pipeline = made(**self.main.components)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    @torch.inference_mode()
    def read(self, text: str) -> Prompt:
        """Return what the text encoders make of a prompt."""
        tokens, pooled, _ = self.main.encode_prompt(prompt=text, prompt_2=None)
        return Prompt(pooled=pooled, tokens=tokens)

    def make(
        self,
        picture: Picture,
        prompt: Prompt,
        seed: int,
        between_steps: Callable[[], None],
        *,
        is_fast: bool = False,
    ) -> Image.Image:
        """Make one picture; `between_steps` is called after each step and may raise.

        The seed decides alone: on one machine, with the same input, it gives the same picture.
        """

        def stepped(_pipeline: object, _step: int, _time: object, tensors: dict) -> dict:
            between_steps()
            return tensors

        arguments = {
            "prompt_embeds": prompt.tokens,
            "pooled_prompt_embeds": prompt.pooled,
            "width": picture.size.width,
            "height": picture.size.height,
            "num_inference_steps": picture.steps,
            "guidance_scale": picture.guidance,
            "generator": torch.Generator("cpu").manual_seed(seed),
            "callback_on_step_end": stepped,
        }
        if picture.image is not None:
            arguments["image"] = picture.image
            # Half a step more than is wanted: the pipeline rounds down, and refuses to take none.
            arguments["strength"] = min(1.0, (picture.steps_taken + 0.5) / picture.steps)
        if picture.mask is not None:
            arguments["mask_image"] = picture.mask
        self._spare_memory(picture.size)
        pipeline = self._all[picture.kind]
        try:
            with self._fast.swapped_into(pipeline, is_wanted=is_fast):
                return pipeline(**arguments).images[0]
        finally:
            self.main.maybe_free_model_hooks()

    def _spare_memory(self, size: Size) -> None:
        vae = self.main.vae
        is_large = size.width * size.height > LARGE_PIXELS
        if self.plan.is_tight or is_large:
            vae.enable_slicing()
            vae.enable_tiling()
        else:
            vae.disable_slicing()
            vae.disable_tiling()


def _bytes(part: object) -> int:
    if not isinstance(part, torch.nn.Module):
        return 0
    return sum(it.numel() * it.element_size() for it in part.parameters())
