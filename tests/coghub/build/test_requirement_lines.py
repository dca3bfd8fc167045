"""One line of requirements: comments, options, names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.requirement_lines import (
    logical_lines,
    name_and_version,
    name_of,
    normalised,
    options_of,
    without_options,
)
from coghub.domain.errors import RequirementsInvalid

WHEEL = "cog-0.9.4-py3-none-any.whl"


def test_comments_blanks_and_continuations_go() -> None:
    text = "# all\n\n torch==2.4.1  # why\r\nnumpy \\\n  >=1.26\n   \nrequests#not-a-comment\n"

    assert logical_lines(text) == ["torch==2.4.1", "numpy    >=1.26", "requests#not-a-comment"]


def test_a_fragment_of_a_url_is_no_comment() -> None:
    """Cog cuts here, and installs something else."""
    line = "https://host/a-1.0.tar.gz#sha256=abc # pinned"

    assert logical_lines(line) == ["https://host/a-1.0.tar.gz#sha256=abc"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("torch", "torch"),
        ("Torch_Vision==0.1", "torch-vision"),
        ("torch[opt] >= 2 ; python_version < '3.12'", "torch"),
        ("cog @ https://host/x.tar.gz", "cog"),
        ("git+https://host/x.git@main#egg=My_Thing&subdirectory=a", "my-thing"),
        ("git+ssh://git@host/x.git", ""),
        (f"https://user@host/{WHEEL}", "cog"),
        ("./wheels/cog-0.9.4-py3-none-any.whl", "cog"),
        ("cog-0.9.4-py3-none-any.whl", "cog"),
        ("./lib", ""),
        ("coglet-extras", "coglet-extras"),
    ],
)
def test_the_name_of_what_a_line_asks_for(line: str, name: str) -> None:
    assert name_of(line) == name


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch==2.4.1", ("torch", "2.4.1")),
        ("torch[opt]==2.4.1+cu118 ; python_version<'3.13'", ("torch", "2.4.1+cu118")),
        ("tensorflow >= 2.16, < 3", ("tensorflow", "2.16")),
        ("torch", ("torch", "")),
        ("torch @ https://host/torch.zip", ("torch", "https://host/torch.zip")),
        ("./torch.whl", ("", "")),
    ],
)
def test_the_first_version_of_a_line(line: str, expected: tuple[str, str]) -> None:
    assert name_and_version(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-r other.txt", [("requirement", "other.txt")]),
        ("-rother.txt", [("requirement", "other.txt")]),
        ("--requirement=other.txt", [("requirement", "other.txt")]),
        ("--extra-index-url https://a --pre", [("extra-index-url", "https://a"), ("pre", "")]),
        ("-f 'a folder'", [("find-links", "a folder")]),
        ("--require-hashes", []),
        ("--no-such-thing", [("--no-such-thing", "")]),
        ("-i", [("index-url", "")]),
    ],
)
def test_options_have_one_name_each(line: str, expected: list[tuple[str, str]]) -> None:
    assert options_of(line) == expected


def test_an_open_quote_is_named() -> None:
    with pytest.raises(RequirementsInvalid, match="No closing quotation in a requirements line"):
        options_of("--find-links 'wheels")


def test_options_after_a_package_are_apart_and_hashes_stay() -> None:
    line = "torch==2.0.1 --hash=sha256:aa --hash=sha256:bb --extra-index-url=https://a -f links"

    assert without_options(line) == (
        "torch==2.0.1 --hash=sha256:aa --hash=sha256:bb",
        [("extra-index-url", "https://a"), ("find-links", "links")],
    )


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True))
def test_a_normalised_name_is_normal(name: str) -> None:
    assert normalised(normalised(name)) == normalised(name)
    assert name_of(f"{name}==1.0") == normalised(name)


@given(st.text(max_size=80))
def test_no_text_makes_it_crash(text: str) -> None:
    for line in logical_lines(text):
        assert line == line.strip()
        assert isinstance(name_of(line), str)
        assert len(name_and_version(line)) == 2
