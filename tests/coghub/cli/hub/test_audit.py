"""`coghub audit`, run in this process on a data folder of its own."""

import io
import json
import sys

import pytest

from coghub.cli.main import operator_root, outcome_of


@pytest.fixture
def coghub(empty_url, tmp_path, monkeypatch, capsys):
    """Run a command, expect an exit code, and return what it printed."""
    monkeypatch.setenv("COGHUB_DATA", str(tmp_path / "data"))
    if empty_url:
        monkeypatch.setenv("COGHUB_DATABASE", empty_url)

    def run(*arguments, stdin="", code=0):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        assert outcome_of(operator_root, arguments, usage_code=2) == code
        return capsys.readouterr().out

    return run


def test_what_operators_changed_is_listed(coghub):
    coghub("user", "create", "alice")
    token = coghub("token", "create", "alice").strip()
    coghub("user", "password", "alice", stdin="correct horse\n")

    shown = json.loads(coghub("audit", "--json"))

    assert [(it["action"], it["subject"], it["actor"], it["via"]) for it in shown] == [
        ("password.change", "alice", "operator", "command"),
        ("token.create", "alice", "operator", "command"),
        ("account.create", "alice", "operator", "command"),
    ]
    assert token not in coghub("audit")
    assert "operator (command)  token.create" in coghub("audit")


def test_entries_are_chosen(coghub):
    coghub("user", "create", "alice")
    coghub("user", "create", "bob")
    coghub("token", "create", "bob")

    def subjects(*options):
        return [it["subject"] for it in json.loads(coghub("audit", "--json", *options))]

    assert subjects("--action", "account") == ["bob", "alice"]
    assert subjects("--subject", "alice") == ["alice"]
    assert subjects("--limit", "1") == ["bob"]
    assert subjects("--since", "2999-01-01") == []
    coghub("audit", "--since", "soon", code=2)
