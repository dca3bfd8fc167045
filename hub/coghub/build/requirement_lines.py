"""One line of requirements: comments, options, and the name of what it asks for.

pip's rules hold where Cog's reading of them was wrong: a `#` starts a comment only at the start of
a line or after a space, so that URLs keep their fragments.
"""

import re
import shlex

from coghub.build import local_packages
from coghub.domain.errors import RequirementsInvalid

_COMMENT = re.compile(r"(^|\s+)#.*$")
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_VERSION = re.compile(r"(?:===|==|~=|!=|<=|>=|<|>)\s*([^\s,;]+)")
_INLINE_OPTION = re.compile(r"\s(--[a-z-]+|-f)[=\s]")
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")

OPTIONS_WITH_VALUE = {
    "-r": "requirement",
    "-c": "constraint",
    "-i": "index-url",
    "-f": "find-links",
    "-e": "editable",
    "--requirement": "requirement",
    "--constraint": "constraint",
    "--index-url": "index-url",
    "--pypi-url": "index-url",
    "--extra-index-url": "extra-index-url",
    "--find-links": "find-links",
    "--editable": "editable",
    "--trusted-host": "trusted-host",
    "--no-binary": "no-binary",
    "--only-binary": "only-binary",
}
FLAGS = {"--no-index": "no-index", "--pre": "pre"}
NEEDLESS_FLAGS = frozenset(
    {"--prefer-binary", "--require-hashes", "--no-cache-dir", "-U", "--upgrade"}
)


def logical_lines(text: str) -> list[str]:
    """Return the lines that say something: continued ones joined, comments and blanks gone."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (_COMMENT.sub("", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def options_of(line: str) -> list[tuple[str, str]]:
    """Return the options of a line by their long names, each with its value or "".

    Raises:
        RequirementsInvalid: if its quotes are not closed.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise RequirementsInvalid(f"{error} in a requirements line: {line}") from error
    found: list[tuple[str, str]] = []
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in OPTIONS_WITH_VALUE:
            value = value if equals else (words.pop(0) if words else "")
            found.append((OPTIONS_WITH_VALUE[option], value))
        elif word[:2] in OPTIONS_WITH_VALUE:
            found.append((OPTIONS_WITH_VALUE[word[:2]], word[2:]))
        elif word not in NEEDLESS_FLAGS:
            found.append((FLAGS.get(word, word), ""))
    return found


def without_options(line: str) -> tuple[str, list[tuple[str, str]]]:
    """Split `name==1 --hash=… --extra-index-url=…`; hashes stay with the package."""
    match = _INLINE_OPTION.search(line)
    if match is None:
        return line, []
    requirement = line[: match.start()].strip()
    hashes = re.findall(r"--hash[=\s]\s*(\S+)", line[match.start() :])
    rest = re.sub(r"--hash[=\s]\s*\S+", "", line[match.start() :])
    return " ".join([requirement, *(f"--hash={one}" for one in hashes)]), options_of(rest)


def name_of(line: str) -> str:
    """Return the normalised name of the package that a line asks for; "" if it does not say."""
    egg = _EGG.search(line)
    path = line.partition(";")[0].strip()
    if egg:
        return normalised(egg[1])
    if path.endswith(".whl") and "@" not in path.partition("://")[0]:
        return normalised(path.replace("\\", "/").rpartition("/")[2].partition("-")[0])
    if "://" in line.partition("@")[0] or local_packages.is_local(line):
        return ""
    match = _NAME.match(line)
    return normalised(match[1]) if match else ""


def normalised(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_and_version(line: str) -> tuple[str, str]:
    """Return a package's name and the first version or URL after it, "" if there is none."""
    match = _NAME.match(line)
    if match is None:
        return "", ""
    rest = line[match.end() :].partition(";")[0].strip()
    if rest.startswith("@"):
        return match[1], rest[1:].strip()
    version = _VERSION.match(rest)
    return match[1], version[1] if version else ""
