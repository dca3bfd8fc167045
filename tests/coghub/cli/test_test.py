"""`cog test`, as a user runs it, on a small project."""

import os
import re
import signal
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.slow

TESTS = """\
tests:
  - name: echoes
    inputs: {text: you, count: 2}
    expect:
      json: {text: you, count: 2}
  - name: fails
    inputs: {what: fail}
    expect: {fails: boom}
  - name: is refused
    inputs: {count: 0}
    expect: {fails: count}
  - name: takes a file
    inputs: {upload: "@cog.yaml"}
"""
TOKENS = """
from cog import BasePredictor, ConcatenateIterator


class Predictor(BasePredictor):
    def predict(self, name: str) -> ConcatenateIterator[str]:
        yield "hello "
        yield name
"""


@pytest.fixture
def tested(project):
    """Write tests beside the project and run the command."""

    def run(tests, *arguments):
        (project.folder / "cog.test.yaml").write_text(tests)
        return project.run("test", *arguments)

    return run


def lines(text):
    """Return a report without the times in it."""
    return re.sub(r" \([0-9.]+ s\)", "", text).splitlines()


def test_each_test_has_a_line(tested):
    run = tested(TESTS)

    assert run.returncode == 0, run.stderr
    assert lines(run.stdout) == [
        "✓ echoes",
        "✓ fails",
        "✓ is refused",
        "✓ takes a file",
        "4 passed",
    ]
    assert "working" not in run.stderr


def test_a_test_that_does_not_pass_says_why_and_what_the_model_printed(tested, project):
    run = tested(
        """\
tests:
  - name: fine
  - name: wrong
    inputs: {text: you}
    expect: {json: {text: me}, contains: x}
  - name: boom
    inputs: {what: fail}
""",
        "--junit",
        "results.xml",
    )

    assert run.returncode == 1
    assert lines(run.stdout)[:3] == [
        "✓ fine",
        "✗ wrong",
        (
            '    expected a text or a list, got {"text": "you", "count": 1, "weights": null, '
            '"size": null, "context": {}, "variables": ["config", null]}'
        ),
    ]
    assert lines(run.stdout)[3:] == [
        '    text: expected "me", got "you"',
        "✗ boom",
        "    the prediction failed: ValueError: boom",
        "1 passed, 2 failed",
    ]
    assert run.stderr.count("    | working") == 2
    assert run.stderr.endswith("error: 2 of 3 did not pass\n")
    root = ET.parse(project.folder / "results.xml").getroot()
    assert [it.attrib["name"] for it in root.iter("testcase")] == ["fine", "wrong", "boom"]
    assert len(list(root.iter("failure"))) == 2


def test_a_model_that_dies_or_hangs_is_started_again(tested):
    run = tested(
        """\
tests:
  - {name: dies, inputs: {what: exit}}
  - {name: goes on}
  - {name: hangs, inputs: {what: wait}, timeout: 0.2}
  - {name: dies as expected, inputs: {what: exit}, expect: {fails: worker}}
  - {name: ends}
"""
    )

    assert run.returncode == 1
    report = lines(run.stdout)
    assert report[0] == "✗ dies"
    assert report[1].startswith("    the model died: the worker")
    assert report[2:5] == [
        "✓ goes on",
        "✗ hangs",
        "    the prediction did not end: No answer within 0.2 s",
    ]
    assert report[5] == "✗ dies as expected"
    assert report[7:] == ["✓ ends", "2 passed, 3 failed"]
    assert run.stderr.count("Starting model and running setup()...") == 4


def test_only_those_that_are_wanted_are_run(tested):
    assert lines(tested(TESTS, "-k", "fail").stdout) == ["✓ fails", "1 passed"]

    none = tested(TESTS, "--only", "nothing")
    assert (none.returncode, none.stdout) == (1, "")
    assert "error: No test has this in its name: nothing" in none.stderr


def test_a_run_becomes_a_test_that_passes(project, tested):
    other = project.folder.parent / "big.bin"
    other.write_bytes(b"12345")
    run = project.run("test", "--record", "a run", "-i", "text=yes", "-i", f"upload=@{other}")
    assert run.returncode == 0, run.stderr
    failing = project.run("test", "--record", "a failure", "-i", "what=fail")
    assert failing.returncode == 0, failing.stderr

    assert (project.folder / "tests/a-run.upload.bin").read_bytes() == b"12345"
    assert lines(project.run("test").stdout) == ["✓ a run", "✓ a failure", "2 passed"]
    again = project.run("test", "--record", "a run")
    assert "There is a test named `a run` already" in again.stderr


def test_what_does_not_fit_or_kills_the_model_is_not_recorded(project):
    refused = project.run("test", "--record", "a", "-i", "count=0")
    dead = project.run("test", "--record", "a", "-i", "what=exit")

    assert (refused.returncode, dead.returncode) == (1, 1)
    assert 'invalid input "count"' in refused.stderr
    assert "Not recorded: the model died" in dead.stderr
    assert not (project.folder / "cog.test.yaml").exists()


def test_without_tests_the_way_to_the_first_is_shown(project):
    run = project.run("test")

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        "error: This project has no tests: there are none in cog.test.yaml\n"
        "hint: Make one of a run: `cog test --record NAME -i name=value`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--record", "a", "--fuzz", "1"], "--record goes with -i"),
        (["-i", "text=a"], "-i goes with --record"),
        (["--seed", "1"], "--seed goes with --fuzz"),
        (["--junit", "no/such/file.xml"], "No folder for the results: no/such/file.xml"),
        (["--fuzz", "0"], "0 is not in the range x>=1"),
        (["--timeout", "0"], "0.0 is not in the range x>0"),
    ],
)
def test_what_makes_no_sense_is_refused(tested, arguments, message):
    run = tested(TESTS, *arguments)

    assert (run.returncode, run.stdout) == (1, "")
    assert message in run.stderr


def test_inputs_drawn_from_the_schema_find_what_kills_the_model(project):
    """Among its choices are one that ends the worker, and one that hangs."""
    (project.folder / "predict.py").write_text(
        (project.folder / "predict.py").read_text().replace('"wait", ', "")
    )

    run = project.run("test", "--fuzz", "25", "--seed", "3", "--junit", "r.xml")

    assert run.returncode == 1
    assert "the model died: the worker" in run.stdout
    assert "    again: cog test --fuzz " in run.stdout
    assert re.search(r"\nfuzz: 25 inputs drawn with --seed 3: .*\d+ died", run.stdout)
    died = int(re.search(r"(\d+) died", run.stdout)[1])
    assert f"\n{25 - died} passed, {died} failed\n" in run.stdout
    root = ET.parse(project.folder / "r.xml").getroot()
    assert (root.attrib["tests"], root.attrib["failures"]) == ("25", str(died))
    again = project.run("test", "--fuzz", "25", "--seed", "3")
    assert lines(again.stdout) == lines(run.stdout)


def test_a_model_that_stands_all_it_may_be_sent_passes(project):
    (project.folder / "predict.py").write_text(TOKENS)

    run = project.run("test", "--fuzz", "30", "--seed", "1")

    assert run.returncode == 0, run.stdout
    assert re.fullmatch(
        r"fuzz: 30 inputs drawn with --seed 1: \d+ succeeded, \d+ refused\n30 passed\n",
        run.stdout,
    )


def test_pieces_of_a_text_are_compared_as_one(project, tested):
    (project.folder / "predict.py").write_text(TOKENS)

    run = tested("tests:\n- inputs: {name: you}\n  expect: {equal: hello you}\n")

    assert lines(run.stdout) == ["✓ test 1", "1 passed"], run.stderr


def test_a_bundle_is_compared_in_schema_and_outputs(project, tested):
    built = project.run("build", "-t", "before")
    assert built.returncode == 0, built.stderr
    assert tested(TESTS, "--against", "before").returncode == 0
    source = (project.folder / "predict.py").read_text()
    changed = source.replace('"count": count', '"count": count + 1').replace("ge=1", "ge=2")
    (project.folder / "predict.py").write_text(changed.replace("default=1", "default=2"))

    run = tested(TESTS, "--against", "before")

    assert run.returncode == 1
    report = lines(run.stdout)
    assert report[:2] == [
        "✗ schema, against before",
        "    input `count` has another smallest value: 1 before, 2 now",
    ]
    assert report[2:6] == [
        "✗ echoes",
        "    count: expected 2, got 3",
        "✗ echoes, against before",
        "    count: expected 2, got 3",
    ]
    assert "✓ fails, against before" in report
    assert "✓ is refused, against before" in report
    missing = tested(TESTS, "--against", "nothing")
    assert "No bundle named `nothing` on this machine" in missing.stderr


def test_ctrl_c_ends_the_model(started, project):
    code_path = project.folder / "predict.py"
    noted = 'print(f"worker {os.getpid()} of {os.getppid()}", flush=True)'
    waits = 'if what == "wait":\n            '
    code_path.write_text(code_path.read_text().replace(waits, f"{waits}{noted}\n            "))
    (project.folder / "cog.test.yaml").write_text("tests:\n- inputs: {what: wait}\n")
    running = started("--debug", "test")
    running.wait_for("worker ")

    running.process.send_signal(signal.SIGINT)
    code, out, said = running.end()

    assert (code, out) == (130, "")
    for pid in re.search(r"worker (\d+) of (\d+)", said).groups():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_a_model_that_cannot_be_set_up_is_told_with_what_it_printed(tested, project):
    (project.folder / "cog.test.yaml").write_text(TESTS)

    run = project.run("test", "--junit", "r.xml", "-e", "SETUP_FAILS=1")

    assert (run.returncode, run.stdout) == (1, "")
    assert "loading" in run.stderr
    assert "error: Model setup failed" in run.stderr
    assert ET.parse(project.folder / "r.xml").find(".//failure") is not None
