"""Every command in a README runs, and prints the lines that stand below it.

In a block marked `console` a line that begins with `$` is a command, and the others are lines of
its output on a terminal; lines may be left out, `...` stands for any text within one, and twelve
hexadecimal digits for any others. A block marked `python` is the content of the file that its
first line names.
"""

import os
import pty
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the READMEs use curl"),
]

REPOSITORY = Path(__file__).parents[2]
FOLDERS = {path.parent.name for path in REPOSITORY.glob("examples/*/README.md")}
EXAMPLES = sorted(FOLDERS - {"embeddings", "flux", "ocr"})
"""All but those that take long to load: other tests run the same commands on them."""
NOT_RUN_HERE = re.compile(r"make |git |\. \.venv/bin/activate")
"""These make the environment that the tests run in."""


@dataclass(frozen=True)
class Command:
    line: str
    expected: list[str]


@dataclass(frozen=True)
class Edit:
    name: str
    content: str


def steps_of(text: str) -> Iterator[Command | Edit]:
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if kind == "console":
            yield from commands_of(block)
        elif kind == "python":
            yield Edit(block.splitlines()[0].removeprefix("# "), block)


def commands_of(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *expected = part.splitlines()
        yield Command(line, [line for line in expected if line])


def is_in(expected: list[str], output: str) -> bool:
    """Tell whether the output has these lines, in this order, among others."""
    actual = iter(output.splitlines())
    patterns = [
        re.sub(r"[0-9a-f]{12}", "[0-9a-f]{12}", re.escape(line.strip())).replace(r"\.\.\.", ".*")
        for line in expected
    ]
    return all(any(re.search(pattern, line) for line in actual) for pattern in patterns)


class Reader:
    """Types the commands of a README, and serves in the background what it serves."""

    def __init__(self, person, ending) -> None:
        self.person = person
        self.folder = person.folder
        self.ending = ending
        self.served = None

    def do(self, step: Command | Edit) -> None:
        if isinstance(step, Edit):
            (self.folder / step.name).write_text(step.content)
        elif NOT_RUN_HERE.match(step.line):
            return
        elif step.line.startswith("cd "):
            self.folder = self.folder / step.line.removeprefix("cd ")
        elif "cog serve" in step.line:
            self.serve(step)
        else:
            self.run(step)

    def serve(self, step: Command) -> None:
        words = step.line.split()
        environ = dict(word.split("=") for word in words[: words.index("cog")])
        person = type(self.person)(self.folder, self.person.environ)
        self.served = self.ending(person.serve(*words[words.index("serve") + 1 :], **environ))
        log = "".join(self.served.log).replace(str(self.served.port), "8393")
        assert is_in(step.expected, log), log

    def run(self, step: Command) -> None:
        command = step.line
        if self.served:
            command = command.replace("localhost:8393", f"127.0.0.1:{self.served.port}")
        environ = {**self.person.environ, "TERM": "xterm"}
        del environ["NO_COLOR"]
        status, output = on_a_terminal(["sh", "-c", command], self.folder, environ)
        assert status == 0 or step.expected, output
        assert is_in(step.expected, output), f"$ {command}\n{output}"


def on_a_terminal(command: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """Run a command in a terminal, and return its status and what was to be seen."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        content = b"".join(iter(lambda: read_terminal(ours), b""))
        os.close(ours)
    return process.returncode, re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", content.decode())


def read_terminal(descriptor: int) -> bytes:
    """Return what was written, or nothing when everybody has left (Linux makes that an error)."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_readme_of_an_example_is_true(example, ending, name):
    reader = Reader(example(name), ending)

    steps = list(steps_of((REPOSITORY / "examples" / name / "README.md").read_text()))
    assert steps

    for step in steps:
        reader.do(step)


def test_the_readme_of_the_repository_is_true(example, ending, tmp_path):
    person = example("hello-world")
    reader = Reader(type(person)(tmp_path, person.environ), ending)
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")

    for step in steps_of((REPOSITORY / "README.md").read_text()):
        reader.do(step)
