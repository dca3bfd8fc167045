import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.yaml_tree import read_tree
from coghub.cli.input_text import inputs_of_flags, inputs_of_json
from coghub.cli.trial.cases import read_suite
from coghub.cli.trial.expectations import unmet
from coghub.cli.trial.outcome import End, Outcome, OutputFile
from coghub.cli.trial.recording import record, require_new
from coghub.cli.trial.yaml_places import appended
from coghub.cli.trial.yaml_values import value_of, yaml_of
from coghub.domain.errors import ConfigInvalid, UsageError

ITEM = {"name": "new", "expect": {"equal": 1}}
PLAIN = "  - name: new\n    expect:\n      equal: 1\n"
CONFIG = 'build:\n  python_version: "3.12"\npredict: predict.py:Predictor\n'


@pytest.fixture
def recorded(tmp_path):
    """Record a run in the folder, and return the tests that are there then."""

    def run(name, inputs, outcome, config=CONFIG, tests=None):
        config_path = tmp_path / "cog.yaml"
        if not config_path.exists():
            config_path.write_text(config)
        if tests is not None:
            (tmp_path / "cog.test.yaml").write_bytes(tests.encode())
        record(read_suite(config_path, tmp_path), tmp_path, name, inputs, outcome)
        return read_suite(config_path, tmp_path).cases

    return run


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"tests:\n{PLAIN}"),
        ("# ours\n", f"# ours\ntests:\n{PLAIN}"),
        ("tests:\n", f"tests:\n{PLAIN}"),
        ("tests: # none yet\n", f"tests:  # none yet\n{PLAIN}"),
        ("tests: []\n", f"tests:\n{PLAIN}"),
        ("tests: ~", f"tests:\n{PLAIN}"),
        ("tests: []\nimage: a\n", f"tests:\n{PLAIN}image: a\n"),
        (f"tests:\n{PLAIN}", f"tests:\n{PLAIN}{PLAIN}"),
        ("tests:\n- name: a", "tests:\n- name: a\n- name: new\n  expect:\n    equal: 1\n"),
        (
            "tests:\n  - name: a # one\n\n# after\nimage: a\n",
            f"tests:\n  - name: a # one\n{PLAIN}\n# after\nimage: a\n",
        ),
        (
            "tests:\n    - name: |\n        a\n        b\n\nimage: a\n",
            (
                "tests:\n    - name: |\n        a\n        b\n\n"
                "    - name: new\n      expect:\n        equal: 1\nimage: a\n"
            ),
        ),
        ("tests: [{name: a}]\n", "tests: [{name: a}, {name: new, expect: {equal: 1}}]\n"),
        ("tests: [{name: a},]\n", "tests: [{name: a}, {name: new, expect: {equal: 1}}]\n"),
        ("tests:\r\n  - name: a\r\n", f"tests:\n  - name: a\n{PLAIN}".replace("\n", "\r\n")),
        ("\ufefftests:\n  - name: a\n", f"\ufefftests:\n  - name: a\n{PLAIN}"),
    ],
)
def test_a_test_is_added_and_the_rest_stays(before, after):
    assert appended(before.encode(), "tests", ITEM) == after.encode()


ENTRIES = st.fixed_dictionaries(
    {"name": st.text(st.characters(exclude_categories=["Cs"])) | st.none()},
    optional={
        "inputs": st.dictionaries(st.text("ab: #-", min_size=1), st.text("a\n'@: #")),
        "expect": st.lists(st.lists(st.integers(), max_size=2), max_size=2),
    },
)


@given(st.lists(ENTRIES, min_size=1, max_size=3), ENTRIES, st.sampled_from(["", "  ", "    "]))
def test_whatever_stands_there_one_is_added_behind_it(entries, new, indent):
    before = f"image: a # b\ntests: # these\n{yaml_of(entries, indent)}# end\ntrain: c\n"

    after = appended(before.encode(), "tests", new)

    assert value_of(read_tree(after)) == {"image": "a", "tests": [*entries, new], "train": "c"}
    assert all(line in after.decode() for line in before.splitlines())


@pytest.mark.parametrize("before", [b"\xff\xfet\x00", b"tests: {", b"tests: text\n"])
def test_what_cannot_be_added_to_is_left(before):
    assert appended(before, "tests", ITEM) is None


@pytest.mark.parametrize(
    "output",
    [
        "hello",
        "@home",
        "yes",
        "12",
        "two\nlines",
        "\x00\x1b\u2028\x85\ufeff",
        "long " * 200,
        13,
        0.1,
        None,
        True,
        [],
        {},
        [1, {"a": None, "@b": "@c"}],
        {"text": "x", "image": OutputFile(b"png", ".png"), "more": [OutputFile(b"\0")]},
        OutputFile(b"bytes"),
        [OutputFile(b"a", ".txt"), OutputFile(b"b", ".txt")],
    ],
)
def test_what_was_recorded_is_expected_again(recorded, output):
    outcome = Outcome(End.SUCCEEDED, output)

    (case,) = recorded("a run", inputs_of_flags([], {}), outcome)

    assert case.name == "a run"
    assert unmet(case.expectations, outcome) == []
    assert unmet(case.expectations, Outcome(End.SUCCEEDED, "another")) != []


def test_inputs_come_back_and_their_files_too(recorded, tmp_path):
    (tmp_path / "own.txt").write_text("own")
    other = tmp_path.parent / f"{tmp_path.name}-other.txt"
    other.write_text("other")
    flags = [f"own=@{tmp_path}/own.txt", f"other=@{other}", "text=a: 'b'", "n=3"]
    inputs = inputs_of_flags(flags, {"n": {"type": "integer"}})
    inputs.values["at"] = "@literal"

    (case,) = recorded("files", inputs, Outcome(End.SUCCEEDED, 1))

    assert case.inputs.values["text"] == "a: 'b'"
    assert case.inputs.values["n"] == 3
    assert case.inputs.values["at"] == "@literal"
    paths = {file.at: file.path for file in case.inputs.files}
    assert paths[("own",)] == tmp_path / "own.txt"
    assert paths[("other",)] == tmp_path / "tests/files.other.txt"
    assert paths[("other",)].read_text() == "other"


def test_images_are_expected_with_a_tolerance(recorded, tmp_path):
    outcome = Outcome(End.SUCCEEDED, OutputFile(b"png", ".png"))

    recorded("a cat", inputs_of_flags([], {}), outcome)

    assert (tmp_path / "tests/a-cat.out.png").read_bytes() == b"png"
    assert "image: tests/a-cat.out.png" in (tmp_path / "cog.test.yaml").read_text()


def test_a_file_of_another_test_is_not_written_over(recorded, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/a.out.bin").write_bytes(b"another")

    recorded("a", inputs_of_flags([], {}), Outcome(End.SUCCEEDED, OutputFile(b"new", ".bin")))

    assert (tmp_path / "tests/a.out.bin").read_bytes() == b"another"
    assert (tmp_path / "tests/a.out-2.bin").read_bytes() == b"new"


def test_a_failure_is_recorded_as_one(recorded):
    outcome = Outcome(End.FAILED, error="no such colour")

    (case,) = recorded("fails", inputs_of_json("{}"), outcome)

    assert unmet(case.expectations, outcome) == []


def test_tests_in_cog_yaml_get_more_there(recorded, tmp_path):
    config = f"{CONFIG}tests:\n  - name: a\n# the end\n"

    cases = recorded("b", inputs_of_json("{}"), Outcome(End.SUCCEEDED, 1), config)

    assert [case.name for case in cases] == ["a", "b"]
    assert not (tmp_path / "cog.test.yaml").exists()
    assert (tmp_path / "cog.yaml").read_text() == config.replace(
        "# the end\n", "  - name: b\n    expect:\n      equal: 1\n# the end\n"
    )


def test_where_nothing_can_be_added_nothing_is_left_of_it(recorded, tmp_path):
    tests = "base: &base {name: a}\ntests: &list\n- *base\nmore: *list\n"
    (tmp_path / "cog.yaml").write_text(tests)

    with pytest.raises(ConfigInvalid, match=r"cannot be added to cog\.yaml"):
        recorded("c", inputs_of_json("{}"), Outcome(End.SUCCEEDED, OutputFile(b"x")))

    assert (tmp_path / "cog.yaml").read_text() == tests
    assert list((tmp_path / "tests").iterdir()) == []


def test_a_name_is_taken_once(tmp_path):
    (tmp_path / "cog.yaml").write_text("tests:\n- name: a\n")
    suite = read_suite(tmp_path / "cog.yaml", tmp_path)

    for name in ("a", " ", "a  b", "a\n"):
        with pytest.raises(UsageError):
            require_new(suite, name)
    require_new(suite, "b")
