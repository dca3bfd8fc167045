"""Make a Flux checkpoint that is real but tiny: the same classes and files, a few hundred kB.

    python tiny.py FOLDER

writes `FOLDER/base` (the checkpoint), `FOLDER/safety` (a checker that finds nothing),
`FOLDER/suspicious` (one that finds something in everything) and `FOLDER/loras` (one of each
dialect). The transformer has the real one's 19 and 38 blocks, each 8 numbers wide. All weights are
random, but those of the autoencoder.
"""

import sys
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

LETTERS = [chr(it) for it in range(33, 127)]
TEXT_WIDTH = 16
WIDTH = 8
"""Of the transformer: one head, whose three axes of position have 2, 2 and 4 numbers."""
LATENT_CHANNELS = 16
COLOURS = 3
CHANNELS = 4 * COLOURS
CONSTANT = 16.0
RANK = 2


def base() -> FluxPipeline:
    """Return a pipeline with the real one's parts, of float32 on the CPU."""
    text = CLIPTextConfig(
        vocab_size=2 * len(LETTERS) + 2,
        hidden_size=TEXT_WIDTH,
        intermediate_size=TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=2 * len(LETTERS),
        eos_token_id=2 * len(LETTERS) + 1,
    )
    long_text = T5Config(
        vocab_size=len(LETTERS) + 3,
        d_model=TEXT_WIDTH,
        d_kv=8,
        d_ff=TEXT_WIDTH,
        num_layers=1,
        num_heads=2,
    )
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=autoencoder(),
        text_encoder=CLIPTextModel(text).eval(),
        tokenizer=clip_tokenizer(),
        text_encoder_2=T5EncoderModel(long_text).eval(),
        tokenizer_2=t5_tokenizer(),
        transformer=FluxTransformer2DModel(
            in_channels=4 * LATENT_CHANNELS,
            num_attention_heads=1,
            attention_head_dim=WIDTH,
            axes_dims_rope=(2, 2, 4),
            joint_attention_dim=TEXT_WIDTH,
            pooled_projection_dim=TEXT_WIDTH,
            guidance_embeds=True,
        ).eval(),
    )


def clip_tokenizer() -> CLIPTokenizer:
    """Return a tokenizer with a token for each letter, and for each that ends a word."""
    words = [*LETTERS, *(f"{it}</w>" for it in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {it: at for at, it in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def t5_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with a token for each letter."""
    pad, end, unknown = special = ("<pad>", "</s>", "<unk>")
    words = {it: at for at, it in enumerate([*special, *LETTERS])}
    letters = Tokenizer(models.WordLevel(words, unk_token=unknown))
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    letters.post_processor = processors.TemplateProcessing(f"$A {end}", special_tokens=[(end, 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=letters,
        pad_token=pad,
        eos_token=end,
        unk_token=unknown,
        model_max_length=512,
    )


def autoencoder() -> AutoencoderKL:
    """Return an autoencoder that gives back what it is given, in squares of 8 x 8 pixels.

    Random weights would give back noise, and learning takes minutes. In these, colours pass all
    blocks as they are: the blocks add nothing, each step down averages four pixels, and each step
    up repeats one. In the way are, at both ends, a group norm and SiLU. A group of (v, -v, K, -K)
    has the mean 0 and, almost, the deviation K / sqrt(2); and SiLU(v) - SiLU(-v) = v.
    """
    made = AutoencoderKL(
        block_out_channels=(CHANNELS,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=LATENT_CHANNELS,
        layers_per_block=1,
        norm_num_groups=COLOURS,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=1.0,
        shift_factor=0.0,
    )
    with torch.no_grad():
        for weights in made.parameters():
            weights.zero_()
        for side in (made.encoder, made.decoder):
            for colour in range(COLOURS):
                plus, minus, high, low = range(4 * colour, 4 * colour + 4)
                side.conv_in.weight[plus, colour, 1, 1] = 1
                side.conv_in.weight[minus, colour, 1, 1] = -1
                side.conv_in.bias[high], side.conv_in.bias[low] = CONSTANT, -CONSTANT
                side.conv_norm_out.weight[[plus, minus]] = CONSTANT / 2**0.5
                side.conv_out.weight[colour, plus, 1, 1] = 1
                side.conv_out.weight[colour, minus, 1, 1] = -1
        made.encoder.conv_out.bias[LATENT_CHANNELS:] = -20  # it is sure: its latents have no noise
        for channel in range(CHANNELS):
            for block in made.encoder.down_blocks[:-1]:
                block.downsamplers[0].conv.weight[channel, channel, :2, :2] = 0.25
            for block in made.decoder.up_blocks[:-1]:
                block.upsamplers[0].conv.weight[channel, channel, 1, 1] = 1
    return made.eval()


def checker(*, is_suspicious: bool) -> StableDiffusionSafetyChecker:
    """Return a safety checker that flags everything, or nothing."""
    small = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1}
    config = CLIPConfig(
        text_config={**small, "num_hidden_layers": 1, "vocab_size": 8},
        vision_config={**small, "num_hidden_layers": 1, "image_size": 32, "patch_size": 16},
        projection_dim=8,
    )
    made = StableDiffusionSafetyChecker(config)
    # A concept is seen where its likeness, at most 1, is above its threshold.
    made.concept_embeds_weights.fill_(-2.0 if is_suspicious else 2.0)
    made.special_care_embeds_weights.fill_(2.0)
    return made.eval()


def lora(seed: int) -> dict[str, torch.Tensor]:
    """Return a LoRA of the image's and the text's attention in all double blocks.

    Shapes: `lora_A` is (rank, inputs), `lora_B` (outputs, rank). In diffusers' dialect.
    """
    random = torch.Generator().manual_seed(seed)
    weights = dict[str, torch.Tensor]()
    for block in range(19):
        for part in ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj",
                     "to_add_out"):  # fmt: skip
            name = f"transformer.transformer_blocks.{block}.attn.{part}"
            down = torch.randn(RANK, WIDTH, generator=random)
            if part not in {"to_out.0", "to_add_out", "to_q", "add_q_proj"}:
                # The other dialects have one `lora_A` for a query, key and value.
                query = "add_q_proj" if part.startswith("add") else "to_q"
                down = weights[f"transformer.transformer_blocks.{block}.attn.{query}.lora_A.weight"]
            weights[f"{name}.lora_A.weight"] = down.clone()
            weights[f"{name}.lora_B.weight"] = torch.randn(WIDTH, RANK, generator=random)
    return weights


PARTS = {"img": ("to_q", "to_k", "to_v"), "txt": ("add_q_proj", "add_k_proj", "add_v_proj")}
OUTS = {"img": "to_out.0", "txt": "to_add_out"}


def kohya(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a LoRA in the dialect of kohya's sd-scripts."""
    said = dict[str, torch.Tensor]()
    for block in range(19):
        for side in ("img", "txt"):
            for name, down, up in _joined(weights, block, side):
                key = f"lora_unet_double_blocks_{block}_{side}_attn_{name}"
                said[f"{key}.lora_down.weight"] = down
                said[f"{key}.lora_up.weight"] = up
                said[f"{key}.alpha"] = torch.tensor(float(RANK))
    return said


def xlabs(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a LoRA in the dialect of XLabs."""
    said = dict[str, torch.Tensor]()
    for block in range(19):
        for number, side in ((1, "img"), (2, "txt")):
            for name, down, up in _joined(weights, block, side):
                key = f"double_blocks.{block}.processor.{name}_lora{number}"
                said[f"{key}.down.weight"] = down
                said[f"{key}.up.weight"] = up
    return said


def _joined(weights: dict[str, torch.Tensor], block: int, side: str) -> list[tuple]:
    """Return what the other dialects hold of one block's side: the joined QKV, and the rest."""
    before = f"transformer.transformer_blocks.{block}.attn."
    ups = torch.cat([weights[f"{before}{it}.lora_B.weight"] for it in PARTS[side]])
    out = f"{before}{OUTS[side]}"
    return [
        ("qkv", weights[f"{before}{PARTS[side][0]}.lora_A.weight"].clone(), ups),
        ("proj", weights[f"{out}.lora_A.weight"], weights[f"{out}.lora_B.weight"]),
    ]


def summed(one: dict, one_scale: float, other: dict, other_scale: float) -> dict:
    """Return the LoRA that is the sum of two with their scales: of twice the rank."""
    return {
        name: torch.cat([one[name] * one_scale, other[name] * other_scale], dim=1)
        if "lora_B" in name
        else torch.cat([one[name], other[name]])
        for name in one
    }


def write(folder: Path) -> None:
    """Write everything; the same on each machine, but for how it rounds."""
    torch.manual_seed(0)
    base().save_pretrained(folder / "base")
    for name in ("safety", "suspicious"):
        checker(is_suspicious=name == "suspicious").save_pretrained(folder / name)
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder / name)
    loras = folder / "loras"
    loras.mkdir()
    one, other = lora(1), lora(2)
    save_file(one, loras / "diffusers.safetensors")
    save_file(other, loras / "other.safetensors")
    save_file(kohya(one), loras / "kohya.safetensors")
    save_file(xlabs(one), loras / "xlabs.safetensors")
    save_file(summed(one, 0.75, other, 0.5), loras / "sum.safetensors")
    strange = {"transformer.somewhere.else.lora_A.weight": torch.zeros(RANK, WIDTH)}
    save_file({**one, **strange}, loras / "strange.safetensors")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
