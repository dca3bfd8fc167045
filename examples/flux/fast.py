"""`go_fast`: a second transformer of 8-bit floats, compiled, where the GPU can and has room."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import DiffusionPipeline, FluxTransformer2DModel, TorchAoConfig

from memory import RESIDENT, WORKING_BYTES, Plan

FLOAT8_SINCE = (8, 9)
"""The compute capability of Ada and Hopper, whose tensor cores multiply 8-bit floats."""


class Fast:
    """The fast transformer, made when it is first wanted."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._transformer: FluxTransformer2DModel | None = None
        self._failure = ""

    @contextmanager
    def swapped_into(self, pipeline: DiffusionPipeline, *, is_wanted: bool) -> Generator[None]:
        """Let a pipeline use it inside the block; says why where it cannot be."""
        if not is_wanted:
            yield
            return
        reason = self._reason_against(pipeline) or self._making()
        if reason:
            print(f"go_fast has no effect: {reason}")
            yield
            return
        usual = pipeline.transformer
        pipeline.transformer = self._transformer
        try:
            yield
        finally:
            pipeline.transformer = usual

    def _reason_against(self, pipeline: DiffusionPipeline) -> str:
        if self._plan.name != RESIDENT:
            return f"the memory plan is {self._plan.name}"
        if torch.cuda.get_device_capability() < FLOAT8_SINCE:
            return "the GPU has no 8-bit floats"
        if getattr(pipeline.transformer, "peft_config", None) and _is_lora_active(pipeline):
            return "LoRAs need the usual transformer"
        if self._transformer is None:
            free_bytes, _ = torch.cuda.mem_get_info()
            weights = sum(it.numel() for it in pipeline.transformer.parameters())
            if free_bytes < weights + WORKING_BYTES:
                return "the GPU has no room for a second transformer"
        return ""

    def _making(self) -> str:
        """Make the transformer unless it is there; return why that failed."""
        if self._transformer is None and not self._failure:
            print("Making the fast transformer; the first pictures of each size take longer")
            try:
                self._transformer = quantised(self._folder)
                self._transformer.compile_repeated_blocks(fullgraph=True)
            except Exception as error:  # noqa: BLE001 - whatever it is, pictures can be made without
                self._transformer = None
                self._failure = f"{type(error).__name__}: {error}"
        return self._failure


def quantised(folder: Path) -> FluxTransformer2DModel:
    """Return the transformer of a checkpoint, on the GPU, in 8-bit floats."""
    from torchao.quantization import Float8DynamicActivationFloat8WeightConfig

    return FluxTransformer2DModel.from_pretrained(
        folder,
        subfolder="transformer",
        quantization_config=TorchAoConfig(Float8DynamicActivationFloat8WeightConfig()),
        torch_dtype=torch.bfloat16,
        device_map="cuda",
    )


def _is_lora_active(pipeline: DiffusionPipeline) -> bool:
    return any(pipeline.get_active_adapters())
