"""How each of the six dies, what is seen of it while it is away, and how it comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.acceptance.kill_matrix import processes
from tests.acceptance.kill_matrix.cells import Killed
from tests.acceptance.kill_matrix.model import LIMIT_S, until
from tests.acceptance.kill_matrix.relay import Relay
from tests.acceptance.kill_matrix.stage import Stage, Watched


@dataclass
class Death:
    """Kills one thing of a stage."""

    stage: Stage
    killed: Killed
    is_held: bool = False
    """A request is under way, and waits for the storage."""

    @property
    def relay(self) -> Relay:
        assert self.stage.relay is not None
        return self.stage.relay

    @contextmanager
    def away(self, watched: Watched) -> Iterator[None]:
        """Kill it; it is back after the block."""
        match self.killed:
            case Killed.HUB:
                self.stage.hub.kill()
                yield
                self.stage.hub.restart()
            case Killed.SERVER:
                self._kill(processes.servers(self.stage.hub))
                yield
            case Killed.WORKER:
                self._kill(processes.workers(self.stage.hub))
                yield
            case Killed.DATABASE:
                with self._without_database(watched):
                    yield
            case Killed.STORAGE:
                self.relay.cut()
                yield
                self.relay.mend()
            case Killed.CALLBACK:
                cut = processes.cut_connections(self.stage.hub)
                assert cut or not self.is_held
                yield

    def _kill(self, pids: list[int]) -> None:
        assert pids
        processes.kill_all(pids)
        processes.wait_for_death(pids)

    @contextmanager
    def _without_database(self, watched: Watched) -> Iterator[None]:
        stage, postgres = self.stage, self.stage.postgres
        assert postgres is not None
        postgres.kill()
        yield
        refused = [
            stage.get(watched.id),
            stage.ask("POST", "/predictions", stage.body(watched.gates)),
        ]
        postgres.start()
        for each in refused:
            assert (each.status, each.body["code"]) == (503, "database-unreachable"), each
            assert "cannot be used" in each.body["detail"]

    def wait_for_refusal(self) -> None:
        """Wait until the hub has found that the storage is away."""
        assert self.relay.refused.acquire(timeout=LIMIT_S)

    def wait_until_told(self) -> None:
        """Wait until the instance's server has told all of what ran, and the hub has heard it."""
        hub = self.stage.hub
        until(lambda: processes.is_free(hub), f"the server has not told the end\n{hub.log}")
        self.stage.ask("GET", "/account")

    def wait_until_held(self) -> None:
        """Wait until the hub waits for the storage."""
        assert self.relay.held.wait(LIMIT_S)
        self.is_held = True
