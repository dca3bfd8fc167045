"""What must not be shown is found in stages: a fast look at every picture, a second at the rest.

A stage is named in FLUX_SAFETY as KIND or KIND=WEIGHTS, several with spaces between; `off` is none.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

import numpy as np
import torch
from PIL import Image

from checkpoints import folder

OFF = "off"
FILES = ["*.json", "*.txt", "model.safetensors"]
LIKELY = 0.5
NUDE = frozenset(
    {
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    }
)


class Stage(Protocol):
    """One way of looking."""

    def look(self, picture: Image.Image) -> str:
        """Return what was seen that must not be shown; nothing if nothing."""
        ...


class Concepts:
    """Compares with concepts by CLIP: the checker of Stable Diffusion."""

    def __init__(self, place: str, held: ExitStack) -> None:
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
        from transformers import CLIPImageProcessor

        at = folder(place, held, FILES)
        self._processor = CLIPImageProcessor.from_pretrained(at)
        self._checker = StableDiffusionSafetyChecker.from_pretrained(at).to(_device()).eval()

    def look(self, picture: Image.Image) -> str:
        seen = self._processor(images=picture, return_tensors="pt").pixel_values
        # It blackens what it flags: an array of its own, so that the picture stays what it is.
        pixels = np.zeros((1, 1, 1, 3))
        _, flags = self._checker(clip_input=seen.to(self._checker.device), images=pixels)
        return "a concept that is not safe" if flags[0] else ""


class Classes:
    """Asks a classifier whether a picture is `nsfw`."""

    def __init__(self, place: str, held: ExitStack) -> None:
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        at = folder(place, held, FILES)
        self._processor = AutoImageProcessor.from_pretrained(at)
        self._model = AutoModelForImageClassification.from_pretrained(at).to(_device()).eval()

    @torch.inference_mode()
    def look(self, picture: Image.Image) -> str:
        seen = self._processor(images=picture, return_tensors="pt").pixel_values
        chances = self._model(seen.to(self._model.device)).logits.softmax(-1)[0]
        labels = self._model.config.id2label
        worst = max(
            (chances[at].item() for at, it in labels.items() if it.lower() == "nsfw"), default=0.0
        )
        return f"nsfw at {worst:.0%}" if worst > LIKELY else ""


class Nudity:
    """Looks for bare parts of bodies; its weights are inside the package `nudenet`."""

    def __init__(self, _place: str, _held: ExitStack) -> None:
        from nudenet import NudeDetector

        self._detector = NudeDetector()

    def look(self, picture: Image.Image) -> str:
        pixels = np.asarray(picture)[:, :, ::-1]  # it expects BGR
        seen = [it for it in self._detector.detect(pixels) if it["score"] > LIKELY]
        return ", ".join(sorted({it["class"] for it in seen} & NUDE)).lower().replace("_", " ")


KINDS = {"concepts": Concepts, "classes": Classes, "nudity": Nudity}


class Safety:
    """All stages, the fast one first."""

    def __init__(self, said: str, held: ExitStack) -> None:
        """Load the stages.

        Raises:
            ValueError: if a kind is none.
        """
        self._stages = list[Stage]()
        for word in said.split():
            kind, _, place = word.partition("=")
            if word == OFF:
                continue
            if kind not in KINDS:
                known = ", ".join([*KINDS, OFF])
                raise ValueError(f"FLUX_SAFETY has no kind {kind}; known are {known}")
            self._stages.append(KINDS[kind](place, held))

    def clean(self, pictures: Sequence[Image.Image]) -> list[bool]:
        """Tell of each picture whether it may be shown; the reasons are printed.

        Raises:
            ValueError: if none may.
        """
        verdicts = [self._reason(picture) for picture in pictures]
        for number, reason in enumerate(verdicts, start=1):
            if reason:
                print(f"Picture {number} is left out: {reason}")
        if all(verdicts):
            raise ValueError(
                "NSFW content was found in every picture. Try another prompt or another seed"
            )
        return [not reason for reason in verdicts]

    def _reason(self, picture: Image.Image) -> str:
        """Return why a picture is not shown: every stage has to say so."""
        reasons = list[str]()
        for stage in self._stages:
            reasons.append(stage.look(picture))
            if not reasons[-1]:
                return ""
        return "; ".join(reasons)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
