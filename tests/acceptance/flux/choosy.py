"""Make a tiny classifier that finds the second of some pictures `nsfw`, and the first not.

    python choosy.py FOLDER PICTURE PICTURE…

Prints the numbers of the pictures that it flags, from 1.
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from transformers import CLIPImageProcessor, ViTConfig, ViTForImageClassification

folder, *pictures = map(Path, sys.argv[1:])
torch.manual_seed(0)
config = ViTConfig(
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    image_size=64,
    patch_size=16,
    id2label={0: "normal", 1: "nsfw"},
)
model = ViTForImageClassification(config).eval()
processor = CLIPImageProcessor(size={"shortest_edge": 64}, crop_size=64)
images = [Image.open(it).convert("RGB") for it in pictures]
seen = processor(images=images, return_tensors="pt").pixel_values
with torch.no_grad():
    features = model.vit(seen).last_hidden_state[:, 0]
    first, second = features[:2]
    away = (second - first) / (second - first).square().sum()
    model.classifier.weight.copy_(torch.stack([torch.zeros_like(away), 1000 * away]))
    model.classifier.bias.copy_(torch.stack([torch.zeros(()), -1000 * away @ (first + second) / 2]))
    flags = model(seen).logits.argmax(-1).tolist()
model.save_pretrained(folder)
processor.save_pretrained(folder)
print(*(number for number, flag in enumerate(flags, start=1) if flag))  # noqa: T201 - its result
