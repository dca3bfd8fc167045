"""Instances inside the test's own process: a real server on a real socket, and a scripted model.

What a prediction does is said by its input's `do`; see `_Model.predict`.
"""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from aiohttp import web

from coghub.domain.errors import EnvironmentFailed
from coghub.domain.instance import Stage
from coghub.executors.base import Executor, Instance

NDJSON = {"Content-Type": "application/x-ndjson"}


class FakeInstance(Instance):
    """A server that ends when it is told to, or when its model kills it."""

    is_foreign = False

    def __init__(self, spec, health):
        self.spec = spec
        self._socket = Path(mkdtemp(prefix="fake-")) / "socket"
        self.health = health
        self.ran = []
        self.asked = []
        self.canceled = set()
        self.is_deaf = False
        self.is_full = False
        self.may_go_on = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()
        self._end = asyncio.get_running_loop().create_future()
        self._leaving = None

    @property
    def address(self):
        return self._socket

    async def memory_bytes(self):
        return None

    async def ended(self):
        return await asyncio.shield(self._end)

    async def stop(self, *, grace_s):
        await self._leave("stopped")

    async def die(self):
        await self._leave("The model's server was killed by signal 9 (likely out of memory)")

    async def _leave(self, reason):
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._let_go())
            self._end.set_result(reason)
        await asyncio.shield(self._leaving)

    async def _let_go(self):
        """End all connections, as the end of a process does, those included that just begin."""
        for listener in self.listening.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(5):
            await asyncio.sleep(0)  # else asyncio forgets what it has just accepted
        self.listening.close()
        for connection in list(self.runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await self.runner.cleanup()

    async def serve(self):
        app = web.Application()
        app.router.add_get("/health-check", self._health)
        app.router.add_put("/predictions/{id}", self._predict)
        app.router.add_post("/predictions/{id}/cancel", self._cancel)
        self.runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self.runner.setup()
        loop = asyncio.get_running_loop()
        self.listening = await loop.create_unix_server(self.runner.server, str(self._socket))

    async def _health(self, request):
        return web.json_response(self.health)

    async def _cancel(self, request):
        prediction_id = request.match_info["id"]
        self.asked.append(prediction_id)
        if prediction_id not in [each for each, _ in self.ran]:
            return web.json_response({}, status=404)
        if not self.is_deaf:
            self.canceled.add(prediction_id)
            self.may_go_on.set()
        return web.json_response({})

    async def _predict(self, request):
        prediction_id, given = request.match_info["id"], (await request.json())["input"]
        if self.is_full:
            return web.json_response({"error": "Already running a prediction"}, status=409)
        if self.health["status"] != "READY":
            return web.json_response({"error": "Setup has not finished yet."}, status=503)
        await self.takes.wait()
        self.ran.append((prediction_id, given))
        response = web.StreamResponse(headers=NDJSON)
        await response.prepare(request)
        number = 0
        with suppress(ConnectionResetError):
            async for name, told in self._events(prediction_id, given):
                number += 1
                line = json.dumps({"sequence": number, "event": name, "data": told})
                await response.write(line.encode() + b"\n")
            await response.write_eof()
        return response

    async def _events(self, prediction_id, given):
        yield "start", {"id": prediction_id, "status": "processing"}
        do = given.get("do", "echo")
        async for event in getattr(self, f"_{do.replace(' ', '_')}")(given):
            yield event
        status, error = "succeeded", {}
        if do == "fail":
            status, error = "failed", {"error": "ValueError: boom"}
        elif prediction_id in self.canceled:
            status = "canceled"
        is_list = do == "items"
        metrics = {"predict_time": 0.1}
        yield (
            "completed",
            {"status": status, "metrics": metrics, "output_is_list": is_list, **error},
        )

    async def _echo(self, given):
        yield "output", {"chunk": given.get("text"), "index": None}

    async def _items(self, given):
        for index in range(given["count"]):
            yield "log", {"source": "stdout", "data": f"item {index}\n"}
            yield "output", {"chunk": str(index), "index": index}

    async def _fail(self, given):
        yield "log", {"source": "stdout", "data": ""}

    async def _break(self, given):
        yield "log", {"source": "stdout", "data": "last words\n"}
        raise ConnectionResetError

    async def _die(self, given):
        yield "log", {"source": "stdout", "data": "last words\n"}
        await self.die()

    async def _die_late(self, given):
        yield "output", {"chunk": "first", "index": 0}
        await self.may_go_on.wait()
        await self.die()

    async def _train(self, given):
        """Return a file of the hub, as one that was uploaded."""
        output = {"weights": f"coghub:{given['path']}", "loss": 0.5}
        yield "output", {"chunk": output, "index": None}

    async def _wait(self, given):
        await self.may_go_on.wait()
        yield "output", {"chunk": "waited", "index": None}


READY = {"status": "READY", "setup": {"status": "succeeded", "logs": "loading weights\n"}}
BROKEN = {
    "status": "SETUP_FAILED",
    "setup": {"status": "failed", "logs": "Traceback …\nFileNotFoundError: weights.pth\n"},
}
LOADING = {"status": "STARTING", "setup": {"status": "starting", "logs": "loading weights\n"}}


class FakeExecutor(Executor):
    """Starts such instances; `instances` are all that were started."""

    name = "fake"

    def __init__(self):
        self.instances = []
        self.health = READY
        self.fails_to_start = False
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.deaths_at_start = 0
        self.refusal = None

    async def connect(self):
        return "127.0.0.1"

    def refusal_of(self, version):
        return self.refusal

    async def tidy(self, version_ids):
        self.tidied = set(version_ids)

    async def start(self, spec, tell):
        tell(Stage.BUILDING, "Installing 3 packages\n")
        await self.may_start.wait()
        if self.fails_to_start:
            raise EnvironmentFailed("No such package: nonsense")
        tell(Stage.BOOTING, "")
        instance = FakeInstance(spec, self.health)
        serving = asyncio.ensure_future(instance.serve())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            await serving
            await instance.die()
            raise
        self.instances.append(instance)
        if self.deaths_at_start:
            self.deaths_at_start -= 1
            instance.health = LOADING
            await instance.die()
        return instance

    @property
    def alive(self):
        return [it for it in self.instances if not it._end.done()]
