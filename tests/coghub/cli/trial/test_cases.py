import pytest

from coghub.cli.trial.cases import read_suite
from coghub.cli.trial.expectations import Contains, Equal, Fails, FileSize, Images, PixelSize
from coghub.domain.errors import ConfigInvalid


@pytest.fixture
def suite(tmp_path):
    """Read tests from a file of their own, and from cog.yaml."""

    def read(tests="", config=""):
        (tmp_path / "cog.yaml").write_text(config)
        if tests:
            (tmp_path / "cog.test.yaml").write_text(tests)
        return read_suite(tmp_path / "cog.yaml", tmp_path)

    return read


@pytest.fixture
def refusal(suite):
    def read(tests):
        with pytest.raises(ConfigInvalid) as refused:
            suite(tests)
        return refused.value.message

    return read


def test_a_test_says_what_goes_in_and_what_comes_out(suite, tmp_path):
    (tmp_path / "cat.png").write_bytes(b"png")

    read = suite("""
tests:
  - name: greets
    inputs: {text: world, count: 3, at: "@@home", image: "@cat.png", more: ["@cat.png", 1]}
    expect: {equal: hello world, contains: [hello, world], bytes: [1, 5]}
    timeout: 2.5
  - expect: {image: cat.png, size: [64, 32], tolerance: 0.5}
  - expect:
      fails: no such
  -
    inputs:
""")

    first, second, third, fourth = read.cases
    assert (first.name, first.timeout_s) == ("greets", 2.5)
    assert first.inputs.values["text"] == "world"
    assert first.inputs.values["count"] == 3
    assert first.inputs.values["at"] == "@home"
    assert {file.at: file.path for file in first.inputs.files} == {
        ("image",): tmp_path / "cat.png",
        ("more", 0): tmp_path / "cat.png",
    }
    assert [type(it) for it in first.expectations] == [Equal, Contains, FileSize]
    assert (second.name, second.tolerance) == ("test 2", 0.5)
    assert [type(it) for it in second.expectations] == [Images, PixelSize]
    assert third.expectations == (Fails("no such"),)
    assert fourth.expectations == ()


def test_tests_may_stand_in_cog_yaml(suite, tmp_path):
    read = suite(config="predict: predict.py:Predictor\ntests:\n  - name: one\n")

    assert [case.name for case in read.cases] == ["one"]
    assert read.path == tmp_path / "cog.yaml"


def test_without_tests_the_suite_is_empty_and_knows_where_the_first_would_be(suite, tmp_path):
    assert suite(config="build: {}\n").path == tmp_path / "cog.test.yaml"
    assert suite("tests:\n").cases == ()
    assert suite("tests: []\n").cases == ()


def test_tests_in_both_files_are_refused(suite):
    with pytest.raises(ConfigInvalid, match=r"tests in both cog\.test\.yaml and cog\.yaml"):
        suite("tests: []\n", "tests: []\n")


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("- 1", "cog.test.yaml: must be a mapping with `tests`"),
        ("tests: 1", "cog.test.yaml: tests: must be a list"),
        ("test: []", "cog.test.yaml:1: unknown key `test`; did you mean `tests`?"),
        ("tests: [1]", "cog.test.yaml: tests[0]: must be a mapping with `inputs` and `expect`"),
        (
            "tests:\n- input: {}",
            "cog.test.yaml:2: tests[0]: unknown key `input`; did you mean `inputs`?",
        ),
        (
            "tests:\n- inputs: 3",
            "cog.test.yaml:2: tests[0].inputs: must be a mapping of names to values",
        ),
        (
            "tests:\n- expect: hello",
            "cog.test.yaml:2: tests[0].expect: must be a mapping, as in `equal: VALUE`",
        ),
        (
            "tests:\n- expect:\n    equals: 1",
            "cog.test.yaml:3: tests[0].expect: unknown key `equals`; did you mean `equal`?",
        ),
        (
            "tests:\n- expect: {regex: '('}",
            (
                "cog.test.yaml:2: tests[0].expect.regex: is no regular expression: "
                "missing ), unterminated subpattern at position 0"
            ),
        ),
        (
            "tests:\n- expect: {size: 64}",
            "cog.test.yaml:2: tests[0].expect.size: must be [WIDTH, HEIGHT] in pixels",
        ),
        (
            "tests:\n- expect: {length: [2, 1]}",
            "cog.test.yaml:2: tests[0].expect.length: must be a number, or [LEAST, MOST]",
        ),
        (
            "tests:\n- expect: {image: no.png}",
            "cog.test.yaml:2: tests[0].expect.image: no such file: no.png",
        ),
        (
            'tests:\n- expect: {equal: ["@no.bin"]}',
            "cog.test.yaml:2: tests[0].expect.equal: no such file: no.bin",
        ),
        (
            "tests:\n- expect: {contains: 1, tolerance: 1}",
            "cog.test.yaml:2: tests[0].expect.tolerance: goes with `equal`, `json` or `image`",
        ),
        (
            "tests:\n- expect: {equal: 1, tolerance: -1}",
            "cog.test.yaml:2: tests[0].expect.tolerance: must be a number that is not below 0",
        ),
        (
            "tests:\n- expect: {fails: false}",
            (
                "cog.test.yaml:2: tests[0].expect.fails: "
                "must be a text that the error contains, or true for any"
            ),
        ),
        (
            "tests:\n- expect: {fails: x, equal: 1}",
            (
                "cog.test.yaml:2: tests[0].expect.fails: "
                "excludes all others: a prediction that fails has no output"
            ),
        ),
        (
            "tests:\n- timeout: soon",
            "cog.test.yaml:2: tests[0].timeout: must be a number of seconds above 0",
        ),
        (
            "tests:\n- name: a\n- name: a",
            "cog.test.yaml:3: tests[1].name: `a` is also tests[0].name",
        ),
        ("tests:\n- name: [a]", "cog.test.yaml:2: tests[0].name: must be a text"),
        ("tests: {", "failed to parse cog.test.yaml: invalid YAML: line 2"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_place(refusal, tests, message):
    assert refusal(tests).startswith(message)


def test_an_input_file_that_is_not_there_is_told_with_its_line(refusal, tmp_path):
    assert refusal("tests:\n- inputs:\n    a: 1\n    image: '@no.png'") == (
        "cog.test.yaml:4: tests[0].inputs: "
        f'input "image": open {tmp_path}/no.png: no such file or directory'
    )


def test_all_mistakes_are_told_at_once(refusal):
    told = refusal("tests:\n- expect: {size: 1}\n- timeout: 0\n- nam: x")

    assert [line.partition(": ")[0] for line in told.splitlines()] == [
        "cog.test.yaml:2",
        "cog.test.yaml:3",
        "cog.test.yaml:4",
    ]


def test_aliases_that_grow_without_end_are_refused(refusal):
    levels = "\n".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))

    told = refusal(
        f"tests:\n- inputs:\n    x: &a0 [1]\n    y:\n{levels}".replace("  - &", "    - &")
    )

    assert "more than 50000 values" in told
