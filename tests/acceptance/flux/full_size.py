"""Check, with a transformer of full size that holds no numbers, that LoRAs of each dialect fit it.

The converters of diffusers have the real widths written in them for the single blocks, so no tiny
model can show this. Prints the count of layers that each has for the transformer.
"""

import torch
from diffusers import FluxPipeline, FluxTransformer2DModel
from loras import unmatched

WIDTH = 3072
DOUBLE = {
    "img_mod.lin": (WIDTH, 6 * WIDTH),
    "txt_mod.lin": (WIDTH, 6 * WIDTH),
    "img_attn.qkv": (WIDTH, 3 * WIDTH),
    "txt_attn.qkv": (WIDTH, 3 * WIDTH),
    "img_attn.proj": (WIDTH, WIDTH),
    "txt_attn.proj": (WIDTH, WIDTH),
    "img_mlp.0": (WIDTH, 4 * WIDTH),
    "img_mlp.2": (4 * WIDTH, WIDTH),
    "txt_mlp.0": (WIDTH, 4 * WIDTH),
    "txt_mlp.2": (4 * WIDTH, WIDTH),
}
SINGLE = {
    "modulation.lin": (WIDTH, 3 * WIDTH),
    "linear1": (WIDTH, 7 * WIDTH),
    "linear2": (5 * WIDTH, WIDTH),
}


def layers():
    """Yield each layer that a LoRA may have, as (kind of block, number, name, inputs, outputs)."""
    for kind, count, parts in (("double_blocks", 19, DOUBLE), ("single_blocks", 38, SINGLE)):
        for number in range(count):
            for name, (inputs, outputs) in parts.items():
                yield kind, number, name, inputs, outputs


def fal() -> dict[str, torch.Tensor]:
    made = {
        "base_model.model.final_layer.linear.lora_A.weight": torch.zeros(1, WIDTH),
        "base_model.model.final_layer.linear.lora_B.weight": torch.zeros(64, 1),
    }
    for kind, number, name, inputs, outputs in layers():
        key = f"base_model.model.{kind}.{number}.{name}"
        made[f"{key}.lora_A.weight"] = torch.zeros(1, inputs)
        made[f"{key}.lora_B.weight"] = torch.zeros(outputs, 1)
    return made


def kohya() -> dict[str, torch.Tensor]:
    made = {}
    for kind, number, name, inputs, outputs in layers():
        key = f"lora_unet_{kind}_{number}_{name.replace('.', '_')}"
        made[f"{key}.lora_down.weight"] = torch.zeros(1, inputs)
        made[f"{key}.lora_up.weight"] = torch.zeros(outputs, 1)
        made[f"{key}.alpha"] = torch.tensor(1.0)
    return made


with torch.device("meta"):
    transformer = FluxTransformer2DModel(guidance_embeds=True)
for lora in (fal, kohya):
    converted, _ = FluxPipeline.lora_state_dict(lora(), return_alphas=True)
    strange = unmatched(converted, {"transformer": transformer})
    assert not strange, strange[:5]
    print(lora.__name__, len({it.partition(".lora")[0] for it in converted}))  # noqa: T201 - its result
