"""`python -m cog.worker`: started by the server, for one model."""

import sys

from cog.worker.settings import read_settings

if __name__ == "__main__":  # a process that the model spawns imports this file too
    from cog.worker.main import run

    flags = sys.argv[1:]
    del sys.argv[1:]  # the model may read its command line: it has none
    run(read_settings(flags))
