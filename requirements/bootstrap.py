"""Makes `.venv` from the pinned requirements; run by `make setup`, with the standard library only.

1. A virtual environment of the Python that runs this file, unless a working one is there.
2. uv, by pip, at the version and hashes of `uv.txt`.
3. Everything in `dev.txt`, by `uv pip sync`: exact versions, hashes checked, strangers removed.
4. Both wheels, editable. Their build backend is a part of uv, so nothing else is fetched.
5. A stamp of all of this, so that the next run returns at once.

uv does not read pip's own settings, so they are handed to it: who has a private index or a
certificate for pip needs to say so once only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".ready"
INPUTS = (
    "requirements/bootstrap.py",
    "requirements/uv.txt",
    "requirements/dev.txt",
    "sdk/pyproject.toml",
    "hub/pyproject.toml",
)


def main() -> None:
    """Prepare the environment, or find that it is ready."""
    if not _is_ready():
        STAMP.unlink(missing_ok=True)
        _make_environment()
        _install()
        STAMP.write_text(_fingerprint(), encoding="utf-8")
    print(f"Ready: {ENVIRONMENT} with the commands `.venv/bin/cog` and `.venv/bin/coghub`")


def _is_ready() -> bool:
    return (
        STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _fingerprint() and _answers(PYTHON)
    )


def _fingerprint() -> str:
    """Return what the environment was made from: the inputs' bytes and the checkout's place."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _answers(python: Path) -> bool:
    """Tell whether the environment works, and is of the Python that was asked for, if one was."""
    version = sys.version_info[:2] if os.environ.get("PYTHON") else None
    check = f"sys.version_info[:2] == {version}" if version else "sys.version_info >= (3, 11)"
    command = [python, "-c", f"import sys, pip; sys.exit(not {check})"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make_environment() -> None:
    if _answers(PYTHON):
        return
    print(f"Making {ENVIRONMENT} with Python {sys.version.split()[0]} ({sys.executable})")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    command = [sys.executable, "-m", "venv", ENVIRONMENT]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        made = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        exit_code = await_end(made, sys.stdout)
        said.seek(0)
        explanation = said.read()
    if exit_code != 0:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        sys.stderr.write(explanation)
        _fail(
            f"{sys.executable} could not make a virtual environment",
            "On Debian and Ubuntu: apt-get install python3-venv. Or: make setup PYTHON=…",
        )


def _install() -> None:
    pip = [PYTHON, "-m", "pip"]
    flags = [
        "--quiet",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    environ = {**uv_settings(pip), **os.environ, "VIRTUAL_ENV": str(ENVIRONMENT)}
    uv = [PYTHON, "-m", "uv", "--no-config", "pip"]
    target = ["--python", PYTHON]
    print("Installing the pinned requirements")
    _run([*pip, "install", *flags, "-r", "requirements/uv.txt"], environ)
    sync = ["sync", "--quiet", "--require-hashes", "--compile-bytecode", *target]
    _run([*uv, *sync, "requirements/dev.txt"], environ)
    editable = ["install", "--quiet", "--no-deps", *target]
    _run([*uv, *editable, "--editable", "./sdk", "--editable", "./hub"], environ)


def _run(command: list[str | Path], environ: dict[str, str]) -> None:
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    if await_end(process, sys.stdout) != 0:
        _fail(
            f"`{' '.join(map(str, command[1:5]))} …` failed; its own message is above",
            "Run it again when the package index answers: make setup",
        )


def await_end(process: subprocess.Popen[bytes], out: TextIO, *, every_s: float = 1.0) -> int:
    """Return the exit code; a terminal gets a dot for each while that is waited for."""
    dots = 0
    while True:
        try:
            process.wait(every_s)
            break
        except subprocess.TimeoutExpired:
            if out.isatty():
                dots += out.write(".")
                out.flush()
    if dots:
        out.write("\n")
    return process.returncode


def uv_settings(pip: list[str | Path]) -> dict[str, str]:
    """Return pip's index settings as uv's environment variables."""
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False)
    found = dict(_setting(line) for line in listed.stdout.splitlines() if "=" in line)
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    settings = {ours: found[theirs] for theirs, ours in names.items() if theirs in found}
    if extra := found.get("extra-index-url"):
        settings["UV_INDEX"] = " ".join(extra.split())
        # pip looks in every index; hashes make that safe here.
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if links := found.get("find-links"):
        settings["UV_FIND_LINKS"] = ",".join(links.split())
    if hosts := found.get("trusted-host"):
        settings["UV_INSECURE_HOST"] = " ".join(hosts.split())
    return settings


def _setting(line: str) -> tuple[str, str]:
    r"""Split a line such as `global.index-url='https://…'`; pip writes newlines as `\n`."""
    key, _, value = line.partition("=")
    return key.rpartition(".")[2], value.strip().strip("'\"").replace("\\n", " ")


def _fail(message: str, hint: str) -> None:
    sys.stderr.write(f"error: {message}\nhint: {hint}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
