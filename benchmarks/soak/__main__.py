"""`make soak`: mixed load for an hour while workers and instances are killed, and an account of it.

1. A real hub (or, with `--target server`, a model's server alone) runs in a folder of its own.
2. Clients wait, follow, cancel, send files and are called back by webhooks, of which some are
   refused and have to come again.
3. Every few seconds something that runs is killed with SIGKILL.
4. At the end each accepted prediction has one end, each webhook was told of it, outputs are
   right, and the memory is flat: the median of the last third of the samples is at most 1.2 times
   that of the first, and 20 MiB. Exit 1 if not.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.hub import running_hub
from benchmarks.soak.harm import Harm
from benchmarks.soak.hub_clients import HubClient
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.receiver import receiving
from benchmarks.soak.server_clients import ServerClient, running_server

CLIENTS = 8
SETTLE_S = 180.0
"""Longest wait for what is under way at the end: a webhook comes again for a minute."""
SHOWN = 20


class Client(Protocol):
    """One who asks."""

    def run(self, until: float) -> None: ...
    def look_again(self, ids: Iterable[str]) -> None: ...


@dataclass(frozen=True)
class Target:
    """What is soaked: its first process, what of it may be killed, and what makes its clients."""

    pid: int
    victims: frozenset[str]
    client: Callable[[random.Random], Client]


def main() -> None:
    """Soak, tell, and exit 1 if anything is wrong."""
    arguments = _arguments()
    ledger = Ledger()
    with TARGETS[arguments.target](ledger) as target:
        harm = Harm(target.pid, target.victims, every_s=arguments.kill_every, seed=arguments.seed)
        harm.start()
        try:
            _load(target, arguments)
        finally:
            harm.stop()
        _settle(target, ledger)
    faults = [*ledger.closing_faults(), *harm.memory.faults()]
    _tell(ledger, harm, faults)
    sys.exit(bool(faults))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--target", choices=TARGETS, default="hub")
    parser.add_argument("--kill-every", type=float, default=10, help="seconds, on average")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


@contextmanager
def _hub(ledger: Ledger) -> Iterator[Target]:
    settings = {"COGHUB_ALLOW_NETWORKS": "127.0.0.0/8", "COGHUB_CPU_INSTANCES": "3"}
    with receiving(ledger) as webhook, running_hub("soak", **settings) as hub:
        versions = {name: hub.push_model(name) for name in ("soak", "soak-stream")}

        def client(dice: random.Random) -> Client:
            return HubClient(hub.process.address, hub.token, versions, webhook, ledger, dice)

        yield Target(hub.process.process.pid, frozenset({"worker", "server"}), client)


@contextmanager
def _server(ledger: Ledger) -> Iterator[Target]:
    with receiving(ledger) as webhook, running_server() as server:

        def client(dice: random.Random) -> Client:
            return ServerClient(server.port, webhook, ledger, dice)

        yield Target(server.process.pid, frozenset({"worker"}), client)


TARGETS = {"hub": _hub, "server": _server}


def _load(target: Target, arguments: argparse.Namespace) -> None:
    print(f"{arguments.target}, {arguments.minutes:g} min, seed {arguments.seed}", flush=True)
    until = time.monotonic() + arguments.minutes * 60
    clients = [target.client(_dice(f"{arguments.seed} {number}")) for number in range(CLIENTS)]
    threads = [threading.Thread(target=each.run, args=[until]) for each in clients]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _dice(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


def _settle(target: Target, ledger: Ledger) -> None:
    """Wait for the last ends and webhooks, and look whether all ends are as they were."""
    client, deadline = target.client(_dice("0")), time.monotonic() + SETTLE_S
    while (ledger.unended() or ledger.untold()) and time.monotonic() < deadline:
        client.look_again(ledger.unended())
        time.sleep(1)
    client.look_again(list(ledger.entries))


def _tell(ledger: Ledger, harm: Harm, faults: list[str]) -> None:
    for kind, ends in sorted(ledger.counts().items()):
        print(f"{kind:10}", ", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
    refused = ", ".join(f"{count} × {status}" for status, count in ledger.refused.items())
    print(f"accepted   {len(ledger.entries)}; refused: {refused or 'none'}")
    print("killed    ", ", ".join(f"{n} × {kind}" for kind, n in harm.killed.items()) or "nothing")
    for kind in sorted(harm.memory.samples):
        first, last = harm.memory.thirds(kind)
        print(f"memory     {kind}: {first:.0f} MiB in the first third, {last:.0f} MiB in the last")
    for fault in faults[:SHOWN]:
        print("fault:", fault)
    print(f"{len(faults)} faults" if faults else "Nothing was lost, and the memory is flat")


if __name__ == "__main__":
    main()
