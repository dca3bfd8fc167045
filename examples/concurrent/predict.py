"""Run four predictions at once in one process, with `async`.

It pays where a prediction waits for something else: a language model behind an API, a database, or
an engine with a batching loop of its own.
"""

import asyncio

from cog import BaseModel, BasePredictor, Input, concurrent


class Output(BaseModel):
    text: str
    running: int


class Predictor(BasePredictor):
    async def setup(self) -> None:
        """Make ready what the predictions share."""
        self.running = 0

    @concurrent(max=4)
    async def predict(
        self,
        text: str = Input(description="Text to send back in capitals"),
        seconds: float = Input(description="How long the answer takes", default=1.0, ge=0, le=60),
    ) -> Output:
        """Return the text in capitals, and how many predictions were running meanwhile."""
        self.running += 1
        try:
            print(f"{text}: waiting")
            await asyncio.sleep(seconds)  # the slow call to something else
            print(f"{text}: done")
            return Output(text=text.upper(), running=self.running)
        finally:
            self.running -= 1
