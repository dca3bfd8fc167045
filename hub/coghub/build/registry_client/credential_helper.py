"""Programs that keep credentials for Docker: `docker-credential-NAME get|store|erase`.

Source: the protocol of docker-credential-helpers; JSON or a bare address on stdin, JSON on stdout.
"""

import shutil
import subprocess
from collections.abc import Mapping

from coghub.domain.errors import CredentialsUnusable

TIMEOUT_S = 60
"""A helper may ask the user to unlock a keychain."""
NOT_THERE = "credentials not found in native keychain"
"""What every helper prints when it does not know a host."""


def run(helper: str, action: str, said: str, environ: Mapping[str, str]) -> str | None:
    """Return what a helper prints; None if it does not know the host.

    Raises:
        CredentialsUnusable: if it is not there, or fails.
    """
    name = f"docker-credential-{helper}"
    program = shutil.which(name, path=environ.get("PATH")) if "/" not in helper else None
    if program is None:
        raise CredentialsUnusable(
            f"Docker's configuration names a credential helper that is not on PATH: {name}",
            hint="Install it, or remove it from `credsStore` and `credHelpers` in config.json",
        )
    try:
        done = subprocess.run(
            [program, action], input=said, env=dict(environ), timeout=TIMEOUT_S,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CredentialsUnusable(f"{name} did not answer: {error}") from error
    if done.returncode == 0:
        return done.stdout
    if NOT_THERE in done.stdout + done.stderr:
        return None
    reason = (done.stdout.strip() or done.stderr.strip()).partition("\n")[0]
    raise CredentialsUnusable(f"{name} failed to {action}: {reason}")
