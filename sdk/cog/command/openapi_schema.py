"""`python -m cog.command.openapi_schema`: prints the document of the model in this folder.

Cog up to 0.19 had this command, and old build scripts call it. The references come from the
environment of an image, else from cog.yaml.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from cog.errors import CogError, ConfigDoesNotExist, PredictorNotSet
from cog.schema.__main__ import describe
from cog.schema.loading import PREDICT, TRAIN

_KEY = re.compile(r"""^(run|predict|train)\s*:\s*(["']?)([^"'#\s]+)\2\s*(?:\#.*)?$""", re.MULTILINE)


def references(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the references by mode, of a model that predicts, trains, or both.

    Raises:
        ConfigDoesNotExist: if neither the environment nor a cog.yaml is there.
        PredictorNotSet: if neither names a class or function.
    """
    found = {
        mode: environ[variable]
        for mode, variable in (
            (PREDICT, "COG_PREDICT_TYPE_STUB"),
            (TRAIN, "COG_TRAIN_TYPE_STUB"),
        )
        if environ.get(variable)
    }
    return found or _configured(folder / "cog.yaml")


def _configured(config: Path) -> dict[str, str]:
    """Read the keys that name the model: one line each, so no YAML reader is needed."""
    if not config.is_file():
        raise ConfigDoesNotExist(f"Could not find {config}")
    matches = _KEY.finditer(config.read_text(encoding="utf-8"))
    found = {
        TRAIN if key == "train" else PREDICT: reference
        for key, _, reference in (m.groups() for m in matches)
    }
    if not found:
        raise PredictorNotSet("no predict or train reference found in cog.yaml")
    return found


def main() -> int:
    """Print the document and return the exit status."""
    try:
        found = references(Path.cwd(), os.environ)  # noqa: TID251 - the entry point's own
        described = describe(found.get(PREDICT), found.get(TRAIN))
    except CogError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    sys.stdout.write(json.dumps(described["document"], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
