"""`python -m cog.worker`: started by the server, for one model."""

import sys

from cog.worker.settings import read_settings

if __name__ == "__main__":
    from cog.worker.process import run

    run(read_settings(sys.argv[1:]))
