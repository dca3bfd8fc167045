"""Flux: pictures from a text, from a picture, or in a part of one; with LoRAs."""

import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from cog import BasePredictor, Input, Path, Secret, current_scope
from cog.weights import WeightsCache
from PIL import Image
from tqdm import tqdm

import checkpoints
import images
import sizes
from lora_files import LoraFile, Sites
from loras import Loras
from pipelines import Picture, Pipelines
from safety import Safety
from settings import Settings
from sizes import Size
from steps import interruptible

FILES = ["model_index.json", "*/*"]
"""Of a checkpoint's repository, which may hold the same weights once more in one file."""


@dataclass(frozen=True)
class Order:
    """Everything that the model needs for one prediction, once it is checked and fetched."""

    prompt: str
    picture: Picture
    seeds: list[int]
    loras: list[tuple[LoraFile, float]]
    is_checked: bool
    is_fast: bool


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Load the weights, and say how they are laid out."""
        self.settings = Settings.of(os.environ)
        self.held = ExitStack()
        self.folder = tempfile.TemporaryDirectory()
        start = time.monotonic()
        checkpoint = checkpoints.folder(self.settings.weights, self.held, FILES)
        self.pipelines = Pipelines(checkpoint, self.settings.memory)
        self.loras = Loras(self.pipelines.main, self.settings.lora_memory_bytes)
        self.safety = Safety(self.settings.safety, self.held)
        self.cache = WeightsCache(budget_bytes=self.settings.lora_disk_bytes)
        print(f"Loaded {self.settings.weights} in {time.monotonic() - start:.1f} s")
        print(f"Memory plan {self.pipelines.plan}")

    def predict(
        self,
        prompt: str = Input(description="What to draw"),
        aspect_ratio: str = Input(
            description="Shape of the picture; not used with an image, or a width and height",
            choices=list(sizes.ASPECT_RATIOS),
            default="1:1",
        ),
        megapixels: str = Input(
            description="Approximate number of pixels, in millions",
            choices=list(sizes.MEGAPIXELS),
            default="1",
        ),
        width: int = Input(
            description="Width in pixels, rounded to a multiple of 16; with a height",
            ge=sizes.SMALLEST,
            le=sizes.LARGEST,
            default=None,
        ),
        height: int = Input(
            description="Height in pixels, rounded to a multiple of 16; with a width",
            ge=sizes.SMALLEST,
            le=sizes.LARGEST,
            default=None,
        ),
        image: Path = Input(description="Image to start from", default=None),
        mask: Path = Input(
            description="White where the image is made anew, black where it stays", default=None
        ),
        prompt_strength: float = Input(
            description="How much of the image is made anew: 1 is all of it",
            ge=0,
            le=1,
            default=0.8,
        ),
        num_outputs: int = Input(description="Number of pictures", ge=1, le=4, default=1),
        num_inference_steps: int = Input(
            description="Steps: more take longer, and draw finer", ge=1, le=50, default=28
        ),
        guidance_scale: float = Input(
            description="How closely the prompt is followed", ge=0, le=10, default=3.5
        ),
        seed: int = Input(
            description="Number that decides the picture; the next pictures have the next ones",
            ge=0,
            le=2**53 - 4,
            default=None,
        ),
        hf_loras: list[str] = Input(
            description=(
                "LoRAs: OWNER/NAME at Hugging Face; URLs of Hugging Face, Replicate or Civitai, of "
                "a .safetensors file or of a tar of trained weights; paths"
            ),
            default=None,
        ),
        lora_scales: list[float] = Input(
            description="Scale of each LoRA; 0.8 where it is left out", default=None
        ),
        hf_token: Secret = Input(description="Token for Hugging Face", default=None),
        civitai_token: Secret = Input(description="Token for Civitai", default=None),
        output_format: str = Input(
            description="Format of the pictures", choices=list(images.FORMATS), default="webp"
        ),
        output_quality: int = Input(
            description="Quality of webp and jpg: 100 is the best", ge=0, le=100, default=80
        ),
        disable_safety_checker: bool = Input(
            description="Show all pictures, whatever they show", default=False
        ),
        go_fast: bool = Input(
            description="Use 8-bit weights, where the GPU can: faster, slightly different pictures",
            default=False,
        ),
    ) -> list[Path]:
        """Return the pictures; those that are not safe are left out."""
        first = random.randrange(2**32) if seed is None else seed
        print(f"Seed {first}")
        start_image = None if image is None else images.opened(image, "image")
        picture = Picture(
            size=_size(aspect_ratio, megapixels, (width, height), start_image),
            steps=num_inference_steps,
            guidance=guidance_scale,
            strength=prompt_strength,
            image=start_image,
            mask=_mask(mask, start_image),
        )
        with ExitStack() as held:
            order = Order(
                prompt=prompt,
                picture=picture.fitted(),
                seeds=list(range(first, first + num_outputs)),
                loras=self._brought(hf_loras, lora_scales, (hf_token, civitai_token), held),
                is_checked=not disable_safety_checker,
                is_fast=go_fast,
            )
            made = interruptible(lambda between_steps: self._make(order, between_steps))
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        return [
            images.saved(it, folder / f"output-{at}.{output_format}", output_quality)
            for at, it in enumerate(made)
        ]

    def _brought(
        self,
        named: list[str] | None,
        scales: list[float] | None,
        tokens: tuple[Secret | None, Secret | None],
        held: ExitStack,
    ) -> list[tuple[LoraFile, float]]:
        """Fetch the LoRAs; return each with its scale."""
        named, scales = named or [], scales or []
        if len(scales) > len(named):
            raise ValueError(f"There are {len(scales)} lora_scales for {len(named)} hf_loras")
        scales = scales + [0.8] * (len(named) - len(scales))
        hf_token, civitai_token = (it.get_secret_value() if it else None for it in tokens)
        sites = Sites(
            cache=self.cache,
            folder=self.settings.lora_folder,
            hf_token=hf_token,
            civitai_token=civitai_token,
            replicate=self.settings.replicate,
            civitai=self.settings.civitai,
        )
        start = time.monotonic()
        files = [sites.bring(it, held) for it in named]
        if files:
            current_scope().record_metric("lora_fetch_time", time.monotonic() - start)
        return list(zip(files, scales, strict=True))

    def _make(self, order: Order, between_steps: Callable[[], None]) -> list[Image.Image]:
        """Make the pictures, and return those that may be shown."""
        scope = current_scope()
        picture = order.picture
        scope.record_metric("seed", order.seeds[0])
        scope.record_metric("width", picture.size.width)
        scope.record_metric("height", picture.size.height)
        start = time.monotonic()
        made = list[Image.Image]()
        with self.loras.applied(order.loras), _bar(order) as bar:

            def stepped() -> None:
                bar.update()
                between_steps()

            prompt = self.pipelines.read(order.prompt)
            between_steps()
            for seed in order.seeds:
                made.append(
                    self.pipelines.make(picture, prompt, seed, stepped, is_fast=order.is_fast)
                )
                between_steps()
        scope.record_metric("generate_time", time.monotonic() - start)
        if order.is_checked:
            start = time.monotonic()
            shown = self.safety.clean(made)
            scope.record_metric("safety_time", time.monotonic() - start)
            made = [it for it, is_shown in zip(made, shown, strict=True) if is_shown]
        scope.record_metric("image_count", len(made))
        return made


def _bar(order: Order) -> tqdm:
    """Return a progress bar over the steps of all pictures; pages draw it."""
    return tqdm(total=order.picture.steps_taken * len(order.seeds), desc="Steps", unit="step")


def _size(
    aspect_ratio: str,
    megapixels: str,
    custom: tuple[int | None, int | None],
    image: Image.Image | None,
) -> Size:
    """Return the size that is meant, and say where it is not the one that was asked for."""
    width, height = custom
    if (width is None) != (height is None):
        raise ValueError("A width needs a height, and a height a width")
    if width is not None and height is not None:
        size = sizes.rounded(width, height)
        if size != (width, height):
            print(f"Rounded {width}x{height} to {size}: multiples of {sizes.MULTIPLE}")
        return size
    if image is None:
        return sizes.size_of(aspect_ratio, megapixels)
    size = sizes.like(Size(*image.size), megapixels)
    print(f"The image of {image.width}x{image.height} gives pictures of {size}")
    return size


def _mask(mask: Path | None, image: Image.Image | None) -> Image.Image | None:
    if mask is None:
        return None
    if image is None:
        raise ValueError("A mask needs an image")
    return images.opened(mask, "mask").convert("L")
