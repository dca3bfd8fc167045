import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.coghub.build.doctor.conftest import Folder

from coghub.build.doctor.tokens import masked, secrets_in

CHECK = "secrets-in-tree"
LETTERS = random.Random(1)  # made here, so that no scanner takes this file for a leak


def token(begin: str, length: int) -> str:
    alphabet = string.ascii_uppercase + string.digits
    return begin + "A1B2C3D4" + "".join(LETTERS.choices(alphabet, k=length - 8))


TOKENS = [
    token("hf_", 34),
    "hf_" + "kQwPzRtYbNmLxCvDsAqWeRfTgYhUjIoPkL",  # they are letters alone
    token("r8_", 37),
    token("chub_", 43),
    token("ghp_", 36),
    token("github_pat_", 60),
    token("glpat-", 20),
    token("AKIA", 16),
    token("AIza", 35),
    token("xoxb-", 40),
    token("npm_", 36),
    token("sk-", 48),
    token("sk-proj-", 60),
]


@pytest.mark.parametrize("secret", TOKENS)
def test_a_token_is_found_and_not_shown(folder: Folder, secret: str):
    folder.write({"settings.py": f"# mine\nTOKEN = '{secret}'\n"})

    (finding,) = folder.findings()

    assert finding.place == "settings.py:2"
    assert finding.level == "error"
    assert f"`{secret[:4]}…`" in finding.message
    assert secret[4:12] not in finding.message + finding.hint


def test_a_private_key_is_found_and_not_shown(folder: Folder):
    key = f"-----BEGIN {'OPENSSH '}PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END"
    folder.write({"id_ed25519": key})

    assert folder.lines(CHECK) == [
        "error id_ed25519:1: A private key would be pushed with the project"
    ]


def test_a_key_inside_json_is_one_too(folder: Folder):
    folder.write({"account.json": '{"private_key": "-----BEGIN ' + r'PRIVATE KEY-----\nMIIE"}'})

    assert [it.level for it in folder.findings(CHECK)] == ["error"]


def test_a_password_in_an_address_is_warned_of(folder: Folder):
    folder.write({"settings.py": "URL = 'postgres://me:hunter42@db/x'\n"})

    (line,) = folder.lines(CHECK)

    assert (
        line == "warning settings.py:1: A password in an address would be pushed with the project"
    )


@pytest.mark.parametrize(
    "text",
    [
        "hf_" + "x" * 40,
        "hf_" + "YOUR" * 10,
        "hf_" + "YourTokenGoesHere" * 2,
        "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
        "task-" + TOKENS[-2][3:],
        "https://user:${TOKEN}@host/x",
        "https://user:xxxxxx@host/x",
        "https://example.com:8080/a@b",
        "-----BEGIN PUBLIC KEY-----\nabc",
        "sk-fading-circle-with-a-very-long-name-1",
    ],
)
def test_placeholders_and_other_words_are_fine(folder: Folder, text: str):
    folder.write({"notes.txt": text})

    assert folder.findings(CHECK) == []


@pytest.mark.parametrize(
    ("name", "content", "is_told"),
    [
        (".env.production", "A=b\n", True),
        ("prod.env", "export A='b'\n", True),
        (".netrc", "machine x\n", True),
        (".env.example", "A=b\n", False),
        (".env.production", "A=\n# B=c\n", False),
        (".env", "A=b\n", False),
    ],
)
def test_names_of_files_that_hold_secrets(
    folder: Folder, name: str, content: str, *, is_told: bool
):
    folder.write({name: content})

    assert bool(folder.findings(CHECK)) is is_told


def test_what_is_not_pushed_is_not_looked_at(folder: Folder):
    folder.write({".dockerignore": "private\n", "private/t.txt": TOKENS[0], ".git/t": TOKENS[0]})

    assert folder.findings(CHECK) == []


def test_files_that_are_no_text_or_lead_elsewhere_are_passed_over(folder: Folder):
    folder.write({"weights.bin": b"\0" + TOKENS[0].encode()})
    (folder.path.parent / "outside.txt").write_text(TOKENS[0])
    (folder.path / "link.txt").symlink_to("../outside.txt")
    (folder.path / "circle").symlink_to("circle")

    assert folder.findings(CHECK) == []


def test_many_files_and_many_secrets_have_an_end(folder: Folder):
    folder.write({"all.txt": "\n".join(token("hf_", 34) for _ in range(300))})
    folder.write({f"many/{at}.txt": "nothing" for at in range(1200)})

    found = folder.findings(CHECK)

    assert 50 <= len(found) <= 301
    assert found[-1].level == "info"


@pytest.mark.parametrize(
    "text", [b"a://" * 2**18, b"-----BEGIN " * 90_000, b"hf_" * 300_000, b"://a:" * 200_000]
)
def test_a_hostile_text_is_soon_done(text: bytes):
    assert list(secrets_in(text)) == []


@given(st.text(), st.sampled_from(TOKENS), st.text())
def test_a_masked_text_holds_no_secret(before: str, secret: str, after: str):
    shown = masked(f"{before} {secret} {after}")

    assert secret not in shown
    assert shown.startswith(before[:1])
