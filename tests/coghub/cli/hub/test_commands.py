"""What operators type, run in this process on a data folder of its own."""

import asyncio
import io
import json
import sys
from datetime import UTC, datetime

import pytest

from coghub.cli.hub.invocation import HubInvocation
from coghub.cli.main import OPERATOR_COMMANDS, operator_root, outcome_of
from coghub.cli.output import Console
from coghub.database import accounts as account_rows
from coghub.database import instances as rows
from coghub.database import models as model_rows
from coghub.database.models import PushedVersion
from coghub.domain.instance import InstanceRecord, Stage
from coghub.domain.model import Visibility
from coghub.opening import claim, open_hub

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def coghub(empty_url, tmp_path, monkeypatch, capsys):
    """Run a command, expect an exit code, and return what it printed."""
    monkeypatch.setenv("COGHUB_DATA", str(tmp_path / "data"))
    if empty_url:
        monkeypatch.setenv("COGHUB_DATABASE", empty_url)

    def run(*arguments, stdin="", code=0):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        assert outcome_of(operator_root, arguments, usage_code=2) == code
        return capsys.readouterr()

    return run


@pytest.fixture
def within(coghub):
    """Run a function over the rows of the hub."""
    settings = HubInvocation(Console(io.StringIO(), io.StringIO()), {}).settings()

    async def write(change):
        async with open_hub(settings) as hub:
            return await hub.database.write(change)

    return lambda change: asyncio.run(write(change))


@pytest.fixture
def model(coghub, within):
    """The model `alice/resize`, whose owner has an account."""
    coghub("user", "create", "alice")

    def add(connection):
        owner = account_rows.by_name(connection, "alice")
        fields = {"visibility": Visibility.PRIVATE}
        model_rows.add(connection, owner_id=owner.id, name="resize", now=NOW, fields=fields)

    within(add)
    return "alice/resize"


@pytest.fixture
def instance(model, within):
    """The instance `one` of that model, in its setup."""

    def add(connection):
        found = model_rows.by_name(connection, "alice", "resize")
        version = PushedVersion("ab" * 32, "0.23.1", {}, {}, is_bundle=True)
        added = model_rows.add_version(connection, found.id, version, NOW)
        record = InstanceRecord("one", added.key, added.id, model, "cpu", "local", Stage.SETUP, NOW)
        rows.add(connection, rows.Beginning(record, 1, added.key, slots=1, known=0))
        rows.keep(connection, "one", rows.Progress(Stage.SETUP, 1, None, "loading\n"), NOW)

    within(add)


def test_every_command_has_its_module(coghub):
    for name in OPERATOR_COMMANDS:
        assert "Usage: coghub" in coghub(name, "--help").out


def test_users_are_made_and_listed(coghub):
    assert coghub("user", "create", "bob").err == "Made the user bob\n"
    made = json.loads(coghub("user", "create", "ada", "--admin", "--json").out)

    listed = coghub("user", "list").out.splitlines()
    assert [line.split()[0] for line in listed] == ["ada", "bob"]
    assert "admin" in listed[0]
    assert json.loads(coghub("user", "list", "--json").out)[0] == made
    assert made["is_admin"] is True


@pytest.mark.parametrize("name", ["Bob", "admin", "a/b", "", "-", "a" * 65])
def test_a_name_that_no_user_can_have_is_refused(coghub, name):
    assert f"Not a name for a user: {name}" in coghub("user", "create", "--", name, code=2).err


def test_a_taken_name_is_refused(coghub):
    coghub("user", "create", "bob")

    assert coghub("user", "create", "bob", code=1).err == (
        "error: A user of that name exists: bob\n"
    )


def test_a_new_token_is_alone_on_stdout_and_can_be_revoked(coghub):
    coghub("user", "create", "bob")

    printed = coghub("token", "create", "bob")

    assert printed.out.startswith("chub_")
    assert printed.out.count("\n") == 1
    assert printed.err == ""
    assert coghub("token", "revoke", stdin=printed.out).err == "Revoked 1 token\n"
    assert "No such token" in coghub("token", "revoke", stdin=printed.out, code=1).err


def test_all_tokens_of_a_user_can_be_revoked(coghub):
    coghub("user", "create", "bob")
    for _ in range(2):
        coghub("token", "create", "bob")

    assert json.loads(coghub("token", "revoke", "bob", "--json").out) == {"revoked": 2}
    assert coghub("token", "revoke", "bob").err == "Revoked 0 tokens\n"


def test_nothing_on_stdin_is_asked_wrongly(coghub):
    coghub("user", "create", "bob")

    assert "No token on stdin" in coghub("token", "revoke", code=2).err


def test_an_unknown_user_is_named_with_a_hint(coghub):
    coghub("user", "create", "bob")

    assert coghub("token", "create", "ada", code=1).err == (
        "error: No user named `ada` on this hub\nhint: List users with `coghub user list`\n"
    )


def test_a_model_can_be_made_public(coghub, model):
    assert coghub("model", "visibility", model, "public").err == "alice/resize is public\n"
    assert (
        "No model named `alice/none`"
        in coghub("model", "visibility", "alice/none", "public", code=1).err
    )
    assert (
        "Not the name of a model" in coghub("model", "visibility", "resize", "public", code=2).err
    )
    coghub("model", "visibility", model, "secret", code=2)


def test_variables_and_secrets_are_set_listed_and_unset(coghub, model):
    coghub("env", "set", model, "LEVEL", stdin="high\n")
    coghub("secret", "set", model, "API_KEY", stdin="s3cret")

    assert coghub("env", "list", model).out == "LEVEL\n"
    assert json.loads(coghub("secret", "list", model, "--json").out) == [{"name": "API_KEY"}]
    assert "s3cret" not in coghub("secret", "list", model).out
    coghub("secret", "unset", model, "API_KEY")
    assert coghub("secret", "list", model).out == ""
    assert "API_KEY" in coghub("secret", "unset", model, "API_KEY", code=1).err


def test_a_model_without_versions_lists_none(coghub, model):
    assert coghub("versions", model).out == ""
    assert coghub("versions", model, "--json").out == "[]\n"


def test_hardware_has_the_cpu(coghub, monkeypatch):
    monkeypatch.setenv("COGHUB_CPU_INSTANCES", "3")
    coghub("user", "create", "bob")

    assert coghub("hardware").out.startswith("cpu  3  CPU\n")
    assert json.loads(coghub("hardware", "--json").out)[0] == {
        "sku": "cpu",
        "name": "CPU",
        "instances": 3,
        "gpu_ids": [],
        "cpus": None,
        "memory_bytes": None,
    }


def test_hardware_says_what_a_container_may_use(coghub, monkeypatch):
    coghub("user", "create", "bob")
    monkeypatch.setenv("COGHUB_HARDWARE_LIMITS", "cpu:cpus=1.5,memory=256MiB")
    assert "each" not in coghub("hardware").out

    monkeypatch.setenv("COGHUB_EXECUTOR", "docker")

    assert "  1.5 CPUs each, 0.25 GiB each\n" in coghub("hardware").out
    assert json.loads(coghub("hardware", "--json").out)[0]["memory_bytes"] == 256 * 1024**2


def test_instances_are_listed_with_their_logs(coghub, within, instance, tmp_path):
    lock = claim(tmp_path / "data")
    assert coghub("instances").out.split()[:3] == ["one", "setup", "cpu"]
    assert coghub("logs", "one").out == "loading\n"
    listed = json.loads(coghub("instances", "--json").out)
    assert listed[0]["model"] == "alice/resize"
    assert listed[0]["ready_at"] is None

    failed = rows.Progress(Stage.FAILED, 1, "no weights\nat all", "")
    within(lambda c: rows.keep(c, "one", failed, NOW))

    assert coghub("instances").out == ""
    assert coghub("instances", "--all").out.endswith(" no weights\n")
    lock.release()


def test_instances_of_a_hub_that_was_killed_do_not_run(coghub, instance):
    assert coghub("instances").out == ""
    assert coghub("instances", "--all").out.split()[:3] == ["one", "stopped", "cpu"]


def test_logs_of_nothing_are_refused_with_a_hint(coghub, model):
    assert "No instance and no prediction with id `x`" in coghub("logs", "x", code=1).err


@pytest.mark.parametrize(
    "command",
    [("user", "list"), ("token", "create", "bob"), ("versions", "a/b"), ("backup", "there")],
)
def test_where_no_hub_is_none_is_made(coghub, tmp_path, command):
    assert coghub(*command, code=1).err == (
        f"error: No hub in this folder: {tmp_path / 'data'}\n"
        "hint: Choose another with `--data`, or start one with `coghub up`\n"
    )
    assert not (tmp_path / "data").exists()


def test_gc_tells_what_it_removed(coghub):
    coghub("user", "create", "bob")

    assert coghub("gc").err == "Removed 0 blobs, 0 manifests and 0 uploads, 0 B in all\n"
    assert json.loads(coghub("gc", "--json").out)["freed_bytes"] == 0


def test_a_backup_can_be_restored_elsewhere(coghub, tmp_path, monkeypatch):
    coghub("user", "create", "bob")
    backup, new = str(tmp_path / "backup"), str(tmp_path / "new")

    assert json.loads(coghub("backup", backup, "--json").out)["objects"] == 0
    monkeypatch.delenv("COGHUB_DATABASE", raising=False)  # wherever it was, it gets a file
    assert coghub("restore", backup, "--data", new).err.startswith("Restored the backup of 20")
    assert coghub("user", "list", "--data", new).out.startswith("bob")
    assert "not empty" in coghub("restore", backup, "--data", new, code=1).err


def test_a_mistyped_command_names_what_was_meant(coghub):
    assert coghub("backupp", code=2).err == (
        "error: No such command 'backupp'\nhint: Did you mean `coghub backup`?\n"
    )


def test_a_password_comes_from_stdin_and_signs_in(coghub):
    coghub("user", "create", "bob")

    assert "Set the password of bob" in coghub("user", "password", "bob", stdin="a long one!\n").err
    assert "at least" not in coghub("user", "password", "bob", stdin="another long one").err
    assert "from 10 to 1024" in coghub("user", "password", "bob", stdin="short", code=2).err
    assert "No user named" in coghub("user", "password", "eve", stdin="a long one!", code=1).err

    async def fits(password):
        settings = HubInvocation(Console(io.StringIO(), io.StringIO()), {}).settings()
        async with open_hub(settings) as hub:
            return await hub.passwords.fits(await hub.accounts.get("bob"), password)

    assert asyncio.run(fits("another long one"))
    assert not asyncio.run(fits("a long one!"))


def test_collections_are_made_filled_and_listed(coghub, model):
    coghub("collection", "create", "pictures", "--name", "Pictures")
    coghub("collection", "add", "pictures", model)
    coghub("collection", "change", "pictures", "--description", "All of them")

    [listed] = json.loads(coghub("collection", "list", "--json").out)

    assert (listed["slug"], listed["name"]) == ("pictures", "Pictures")
    assert (listed["description"], listed["models"]) == ("All of them", [model])
    assert coghub("collection", "list").out == f"pictures  Pictures  {model}\n"
    coghub("collection", "remove", "pictures", model)
    assert json.loads(coghub("collection", "list", "--json").out)[0]["models"] == []
    coghub("collection", "delete", "pictures")
    assert coghub("collection", "list").out == ""


def test_a_collection_that_cannot_be_is_refused(coghub, model):
    coghub("collection", "create", "pictures")

    assert "exists" in coghub("collection", "create", "pictures", code=1).err
    assert "Not a name" in coghub("collection", "create", "My Pictures", code=2).err
    assert "No collection" in coghub("collection", "add", "music", model, code=1).err
    assert "No model" in coghub("collection", "add", "pictures", "alice/none", code=1).err
