"""An async predictor over a batched method."""

import cog


class Predictor(cog.BasePredictor):
    def setup(self) -> None:
        """Note what comes."""
        self.batches: list[list[str]] = []

    @cog.batch(max_size=4, wait_ms=3_600_000)
    def shout(self, texts: list[str]) -> list[str | Exception]:
        """Return each in capitals, as soon as there are four."""
        self.batches.append(texts)
        if "all" in texts:
            raise RuntimeError("the batch failed")
        return [ValueError("no text") if text == "none" else text.upper() for text in texts]

    async def predict(self, text: str) -> str:
        """Return a text in capitals; of `batches`, what was computed so far."""
        if text == "batches":
            return str(self.batches)
        print(text, "waits")
        return await self.shout(text)
