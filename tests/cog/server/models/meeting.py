"""An asynchronous model whose predictions meet each other."""

import asyncio
import os

from cog import BasePredictor, current_scope

arrived: dict[str, asyncio.Event] = {}


def event(name: str) -> asyncio.Event:
    return arrived.setdefault(name, asyncio.Event())


class Predictor(BasePredictor):
    async def setup(self):
        print("setting up")

    async def predict(self, action: str = "echo", text: str = "") -> str:
        print(f"log of {text}")
        current_scope().record_metric("text", text)
        return await getattr(self, action)(text)

    async def echo(self, text):
        return text

    async def meet(self, text):
        """Return once the other one is here too."""
        event(text).set()
        await event({"a": "b", "b": "a"}[text]).wait()
        print(f"met as {text}")
        return text

    async def wait(self, text):
        print("waiting")
        await asyncio.Event().wait()

    async def die(self, text):
        os._exit(7)
