"""`cog login`, `cog push`, `cog pull`, and models that are named with a host."""

import io
import json
import os
import signal
import sys

import pytest
from fake_registry import FakeRegistry

from coghub.cli.main import outcome_of, root

TOKEN = "chub_0123456789"
HUB = {"hub": "coghub", "version": "0.1.0", "url": "https://hub.example"}


@pytest.fixture
def hub():
    """A hub that lets alice in with her token."""
    registry = FakeRegistry()
    registry.realm = "bearer"
    registry.passwords = {"alice": TOKEN}
    registry.pages["/cog/v1/hub"] = (200, HUB)
    registry.pages["/cog/v1/display-token-url"] = (200, {"url": "https://hub.example/token"})
    yield registry
    registry.close()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """The folders of a user, in the environment of this process."""
    monkeypatch.chdir(tmp_path)
    for name in ("COG_REGISTRY_HOST", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in (
        ("HOME", "home"),
        ("DOCKER_CONFIG", "docker"),
        ("COG_DATA_DIR", "data"),
        ("COG_CACHE_DIR", "cache"),
    ):
        monkeypatch.setenv(name, str(tmp_path / folder))
    return tmp_path


@pytest.fixture
def cog(machine, monkeypatch, capsys):
    """Run the command in this process and return its exit code, stdout and stderr."""

    def run(*arguments, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = outcome_of(root, arguments, usage_code=1)
        return (code, *capsys.readouterr())

    return run


def verified(hub, name="alice"):
    hub.pages["/cog/v1/verify-token"] = (200, {"username": name})


def stored(machine):
    path = machine / "docker" / "config.json"
    return json.loads(path.read_text())["auths"] if path.exists() else {}


def test_a_login_is_checked_then_stored_then_the_default(hub, machine, cog):
    verified(hub)

    code, out, err = cog("login", hub.url, "--token-stdin", stdin=f"{TOKEN}\n")

    assert (code, out) == (0, "")
    assert err == (
        f"Registry: {hub.url}\nYou've successfully authenticated as alice! "
        f"You can now use the {hub.address} registry.\n"
    )
    assert list(stored(machine)) == [hub.address]
    code, _, err = cog("pull", "alice/missing")
    assert code == 1
    assert err.splitlines()[:2] == [
        f"Registry: {hub.url} (the last login)",
        f"Pulling {hub.address}/alice/missing...",
    ]
    assert f"error: {hub.url} has no alice/missing:latest" in err


def test_a_wrong_token_is_not_stored(hub, machine, cog):
    hub.pages["/cog/v1/verify-token"] = (404, {})

    code, _, err = cog("login", hub.url, "--token-stdin", stdin="nonsense")

    assert code == 1
    assert "error: user does not exist" in err
    assert stored(machine) == {}


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("--token-stdin",), " \n", "token is empty"),
        ((), "", "Nobody can be asked for a token here"),
    ],
)
def test_a_token_has_to_come_from_somewhere(hub, cog, arguments, stdin, message):
    code, _, err = cog("login", hub.url, *arguments, stdin=stdin)

    assert code == 1
    assert f"error: {message}\n" in err


def test_an_api_token_is_no_login_to_replicate(hub, cog, machine, monkeypatch):
    monkeypatch.setenv("http_proxy", hub.url)  # so that nothing leaves this machine
    page = b'{"url": "https://replicate.com/auth/token"}'
    hub.realm = None
    hub.fail("GET", "/v2/", status=200)
    hub.fail("GET", "/cog/v1/display-token-url", status=200, body=page)

    code, _, err = cog("login", "http://r8.im", "--token-stdin", stdin="r8_abc")

    assert code == 1
    assert "warning: http://r8.im has no TLS" in err
    assert (
        "error: that looks like a Replicate API token, not a CLI auth token. "
        "Please fetch a token from https://replicate.com/auth/token to log in\n"
    ) in err
    assert hub.seen("POST") == []


@pytest.mark.parametrize(
    ("arguments", "secret", "line"),
    [
        (("-u", "alice"), TOKEN, "successfully authenticated as alice"),
        (("-u", "alice"), "wrong", "does not accept this user name and password"),
        ((), TOKEN, "wants a user name"),
    ],
)
def test_other_registries_want_a_name_and_a_password(hub, machine, cog, arguments, secret, line):
    hub.pages.clear()

    code, _, err = cog("login", hub.url, "--token-stdin", *arguments, stdin=secret)

    assert line in err
    assert bool(stored(machine)) == (code == 0) == line.startswith("success")


CONFIG = 'build:\n  python_version: "3.11"\nimage: {image}\npredict: "predict.py:Predictor"\n'


@pytest.fixture
def folder(machine):
    (machine / "predict.py").touch()
    (machine / "cog.yaml").write_text(CONFIG.format(image="hub.invalid/alice/hello"))
    return machine


@pytest.mark.parametrize(
    ("arguments", "variable", "line"),
    [
        (("push", "a.invalid/b/c"), "v.invalid", "Registry: a.invalid"),
        (("--registry", "f.invalid", "push"), "v.invalid", "Registry: f.invalid (from --registry)"),
        (("push",), "v.invalid", "Registry: v.invalid (from COG_REGISTRY_HOST)"),
        (("push",), "", "Registry: hub.invalid (from `image` in cog.yaml)"),
        (("push", "b/c"), "", "Registry: hub.invalid (from `image` in cog.yaml)"),
    ],
)
def test_where_a_push_goes_is_said_first(folder, cog, monkeypatch, arguments, variable, line):
    monkeypatch.setenv("COG_REGISTRY_HOST", variable)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    code, out, err = cog(*arguments)

    assert (code, out) == (1, "")
    assert err.splitlines()[0] == line
    assert "error: No connection to " in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hello",), "Not the name of a model: hello"),
        (("a.b/c/d@sha256:" + "0" * 64,), "Not the name of a model"),
        (("a.b/c/d:cog-x",), "Tags that begin with `cog-` are reserved: cog-x"),
        (("a.b/C/d",), "Invalid image name 'C/d'"),
        (("a.b/c/d", "--image"), "`--image` needs the Docker engine"),
    ],
)
def test_a_wrong_target_is_refused_before_anything_is_asked(folder, cog, arguments, message):
    code, _, err = cog("push", *arguments)

    assert code == 1
    assert err.startswith(f"error: {message}")


def test_a_push_without_a_target_says_how_to_name_one(folder, cog):
    (folder / "cog.yaml").write_text('build:\n  python_version: "3.11"\npredict: "predict.py:P"\n')

    _, _, err = cog("push")

    assert err.startswith(
        "error: To push images, you must either set the 'image' option in cog.yaml "
        "or pass an image name"
    )


def test_a_registry_that_is_no_hub_is_not_sent_a_bundle_unasked(hub, folder, cog):
    hub.pages.clear()

    code, _, err = cog("push", f"{hub.url}/alice/hello")

    assert code == 1
    assert "is not a hub, and is sent images" in err
    assert "`--bundle`" in err
    assert hub.seen("POST") == []


def test_who_is_not_logged_in_hears_so_before_anything_is_built(hub, folder, cog):
    code, _, err = cog("push", f"{hub.url}/alice/hello")

    assert code == 1
    assert f"error: unauthorized: You are not logged in to {hub.url}\n" in err
    assert f"hint: Run `cog login {hub.url}` and try again" in err
    assert "Building" not in err


@pytest.mark.slow
def test_ctrl_c_ends_a_push_that_waits(hub, project, started, tmp_path):
    """The hub says when it wants to be asked again, which is long after the interrupt."""
    verified(hub)
    environ = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    project.run("login", hub.url, "--token-stdin", stdin=TOKEN, environ=environ)
    hub.fail("POST", "uploads", status=503, headers={"Retry-After": "600"}, times=99)

    command = started("push", "alice/echo", environ=environ)
    command.wait_for("Pushing to")
    os.killpg(command.process.pid, signal.SIGINT)

    code, _, said = command.end()
    assert code == 130
    assert "error" not in said


@pytest.mark.slow
def test_a_model_goes_to_a_hub_and_runs_on_another_machine(hub, project, tmp_path):
    verified(hub)
    name = f"{hub.url}/alice/echo"
    here = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    there = {**here, "COG_DATA_DIR": str(tmp_path / "there")}
    project.run("login", hub.url, "--token-stdin", stdin=TOKEN, environ=here)

    pushed = project.run("push", "alice/echo", environ=here)

    assert pushed.returncode == 0, pushed.stderr
    digest = pushed.stdout.split()[2]
    assert pushed.stdout.startswith("latest: digest: sha256:")
    page = f"Run your model on {hub.address}:\n    https://hub.example/alice/echo\n"
    assert pushed.stderr.endswith(page)

    hub.manifests["alice/echo", digest] = hub.manifests["alice/echo", "latest"]
    pulled = project.run("pull", f"{name}@{digest}", environ=there)
    assert pulled.stdout == f"{digest}: digest: {digest}\n"
    ran = project.run("predict", name, "-i", "text=there", environ=there)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["text"] == "there"
    assert "Pulling " in ran.stderr

    code = (project.folder / "predict.py").read_text()
    (project.folder / "predict.py").write_text(code.replace("count: int = ", "many: int = "))
    broken = project.run("push", "alice/echo", environ=here)
    assert broken.returncode == 1
    assert "\n- input `count` was removed\nhint: " in broken.stderr
    assert len(hub.seen("PUT", "/manifests/")) == 1
    forced = project.run("push", "alice/echo", "--allow-breaking", environ=here)
    assert forced.returncode == 0, forced.stderr

    hub.close()
    alone = project.run("predict", name, "-i", "text=alone", environ=there)
    assert json.loads(alone.stdout)["text"] == "alone"
    assert "; what is on this machine is taken" in alone.stderr
