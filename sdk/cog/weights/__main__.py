"""`python -m cog.weights`: what `pget` runs."""

import sys

from cog.weights.pget import main

sys.exit(main(sys.argv[1:]))
