"""LoRAs in the model: several at once, kept while there is room, switched without a reload."""

import warnings
from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from hashlib import sha256

import safetensors
import torch
from diffusers import FluxPipeline
from safetensors.torch import load

from lora_files import LoraFile

# Several are what is wanted.
warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute")

MOST_SHOWN = 8
"""Names in a message."""
PARTS = ("transformer", "text_encoder")


class Loras:
    """The LoRAs that a pipeline has; unused ones go when others need their room."""

    def __init__(self, pipeline: FluxPipeline, budget_bytes: int) -> None:
        self._pipeline = pipeline
        self._budget_bytes = budget_bytes
        self._held = OrderedDict[str, int]()
        """Their names and bytes, the least recently used first."""

    @contextmanager
    def applied(self, chosen: Sequence[tuple[LoraFile, float]]) -> Generator[None]:
        """Let files have effect, each with its scale, inside the block.

        Outside of it the pipeline gives what it gave before, bit for bit.

        Raises:
            ValueError: if a file is no LoRA for this model; the message lists what does not fit.
        """
        if not chosen:
            yield
            return
        scales = dict[str, float]()
        for file, scale in chosen:
            name = f"lora-{sha256(file.key.encode()).hexdigest()[:16]}"
            scales[name] = scales.get(name, 0.0) + scale  # one that is given twice is added twice
            self._load(name, file)
        try:
            self._pipeline.enable_lora()
            self._pipeline.set_adapters(list(scales), list(scales.values()))
            yield
        finally:
            self._pipeline.disable_lora()
            self._forget_beyond_budget()

    def _load(self, name: str, file: LoraFile) -> None:
        if name in self._held:
            self._held.move_to_end(name)
            return
        weights = _read(file)
        self._check(weights, file)
        try:
            self._pipeline.load_lora_weights(dict(weights), adapter_name=name)
        except (ValueError, RuntimeError, KeyError) as error:
            self._pipeline.delete_adapters(name)
            raise ValueError(f"The LoRA {file.said} cannot be loaded: {error}") from error
        self._held[name] = sum(it.numel() * it.element_size() for it in weights.values())
        print(f"Loaded the LoRA {file.said}")

    def _check(self, weights: dict[str, torch.Tensor], file: LoraFile) -> None:
        """Refuse what the model has no place for; diffusers would leave it out in silence."""
        try:
            converted, _ = FluxPipeline.lora_state_dict(dict(weights), return_alphas=True)
        except Exception as error:  # its converters assert, index and pop
            told = f"{type(error).__name__}: {error}"
            raise ValueError(f"The LoRA {file.said} is in no dialect known: {told}") from error
        models = {part: getattr(self._pipeline, part) for part in PARTS}
        strange = unmatched(converted, models)
        if strange:
            shown = "".join(f"\n  {it}" for it in strange[:MOST_SHOWN])
            more = len(strange) - MOST_SHOWN
            raise ValueError(
                f"The LoRA {file.said} is not for this model, which has no place for "
                f"{len(strange)} of its {len(converted)} tensors:{shown}"
                + (f"\n  and {more} more" if more > 0 else "")
            )

    def _forget_beyond_budget(self) -> None:
        while self._held and sum(self._held.values()) > self._budget_bytes:
            name, _ = self._held.popitem(last=False)
            self._pipeline.delete_adapters(name)


def unmatched(weights: dict[str, torch.Tensor], models: dict[str, torch.nn.Module]) -> list[str]:
    """Return the tensors, in diffusers' dialect, that no layer of the models takes."""
    shapes = {
        f"{part}.{name}": tuple(layer.weight.shape)
        for part, model in models.items()
        for name, layer in model.named_modules()
        if isinstance(getattr(layer, "weight", None), torch.Tensor)
    }
    strange = []
    for name, tensor in weights.items():
        place, _, kind = name.rpartition(".lora")
        shape = shapes.get(place) or shapes.get(f"{place}.base_layer")
        if shape is None:
            strange.append(f"{name}: there is no such layer")
        elif not _fits(kind, tuple(tensor.shape), shape):
            strange.append(f"{name}: {tuple(tensor.shape)}, for a layer of {shape}")
    return strange


def _fits(kind: str, tensor: tuple[int, ...], layer: tuple[int, ...]) -> bool:
    if len(tensor) != 2:  # a bias, or a convolution's
        return True
    if kind.startswith(("_A.", ".down.", "_down.", "_linear_layer.down.")):
        return tensor[1] == layer[1]
    return tensor[0] == layer[0]


def _read(file: LoraFile) -> dict[str, torch.Tensor]:
    try:
        return load(file.read())
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(f"The LoRA {file.said} is no file of safetensors: {error}") from error
