"""Secrets among the files that would be pushed: never shown, but for how they begin."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from coghub.build.doctor.findings import Finding, Findings, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.doctor.tokens import secrets_in
from coghub.build.project_files import ProjectFile

CHECK = "secrets-in-tree"
MAX_FILES = 5_000
MAX_FILE_BYTES = 1024**2
MAX_BYTES = 64 * 1024**2
"""More is not read: a secret stands at the begin of a small file, and a check must end."""
BINARY_BYTES = 8192
"""A zero among so many first ones: no text."""
MAX_SHOWN = 50
HINT = "Take it out and make a new one; give it to the model as a secret, not as a file"

NAMED_FILES = frozenset({".netrc", ".pypirc", ".git-credentials", ".htpasswd"})
SAMPLES = frozenset({"example", "sample", "template", "dist", "defaults"})
_VALUE = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*['\"]?[\w/+-]", re.MULTILINE
)


def check_secrets(project: ExaminedProject) -> Findings:
    """Check that nothing that would be pushed is a secret."""
    if not isinstance(project.files, list):
        fault = project.files
        yield Finding("project-unreadable", Level.ERROR, fault.message, hint=fault.hint)
        return
    shown, budget, read = 0, MAX_BYTES, 0
    files = [file for file in project.files if file.is_regular]
    for file in files:
        if shown >= MAX_SHOWN or budget <= 0 or read == MAX_FILES:
            yield _unread(read, len(files))
            return
        content = _content(file)
        budget, read = budget - len(content), read + 1
        for finding in _of_file(file, content):
            yield finding
            shown += 1


def _unread(read: int, total: int) -> Finding:
    message = f"Looked for secrets in {read} of {total} files"
    hint = "Leave out what the model does without, with `.dockerignore`"
    return Finding(CHECK, Level.INFO, message, hint=hint)


def _content(file: ProjectFile) -> bytes:
    """Return the begin of a text file; b"" of one that is no text or cannot be read."""
    try:
        with file.source.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES)
    except OSError:
        return b""
    return b"" if b"\0" in content[:BINARY_BYTES] else content


def _of_file(file: ProjectFile, content: bytes) -> Iterator[Finding]:
    seen = set[bytes]()
    for secret in secrets_in(content):
        text = content[secret.start : secret.end]
        if text in seen:
            continue
        seen.add(text)
        level = Level.ERROR if secret.is_sure else Level.WARNING
        begin = f" (`{secret.begin}…`)" if secret.begin else ""
        line = content.count(b"\n", 0, secret.start) + 1
        message = f"{secret.what} would be pushed with the project{begin}"
        yield Finding(CHECK, level, message, file.path, line, HINT)
    if not seen and _is_named_secret(file, content):
        message = "The file has the name of one that holds secrets, and would be pushed"
        hint = "Leave it out with `.dockerignore`"
        yield Finding(CHECK, Level.WARNING, message, file.path, hint=hint)


def _is_named_secret(file: ProjectFile, content: bytes) -> bool:
    name = PurePosixPath(file.path).name.lower()
    if name in NAMED_FILES:
        return bool(content.strip())
    if not (name.startswith(".env.") or name.endswith(".env")):
        return False
    return not SAMPLES & set(name.split(".")) and _VALUE.search(content) is not None
