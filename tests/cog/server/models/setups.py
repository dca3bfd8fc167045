"""Models whose setup goes wrong, and a training."""

import os
import time

from cog import BaseModel, BasePredictor, Path


class Fails(BasePredictor):
    def setup(self):
        print("loading weights")
        raise RuntimeError("no weights")

    def predict(self) -> str:
        return ""


class Hangs(Fails):
    def setup(self):
        print("loading weights", flush=True)
        time.sleep(60)


class Dies(Fails):
    def setup(self):
        print("loading weights", flush=True)
        os._exit(9)


class TrainingOutput(BaseModel):
    weights: Path


def train(n: int) -> TrainingOutput:
    path = Path(os.environ["MODEL_FOLDER"]) / "weights.bin"
    path.write_text("w" * n)
    return TrainingOutput(weights=path)


class Breaks(BasePredictor):
    """Sets up while nobody broke it."""

    def setup(self):
        if (Path(os.environ["MODEL_FOLDER"]) / "broken").exists():
            raise RuntimeError("broken meanwhile")

    def predict(self, die: bool = False) -> str:
        if die:
            os._exit(1)
        return "fine"
