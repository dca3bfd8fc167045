"""How much is tried: little in the suite, as much as there is time for by `make fuzz`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """How much each test tries."""

    examples: int
    """Requests to each operation of a document."""
    connections: int
    """That are open at once."""


def read_budget(environ: Mapping[str, str] = os.environ) -> Budget:
    """Return what `COG_FUZZ_EXAMPLES` and `COG_FUZZ_CONNECTIONS` say."""
    return Budget(
        examples=int(environ.get("COG_FUZZ_EXAMPLES", "2")),
        connections=int(environ.get("COG_FUZZ_CONNECTIONS", "2000")),
    )
