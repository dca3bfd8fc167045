"""A hub whose rows are in PostgreSQL, as its operator runs it: by one setting."""

import re
import subprocess

import pytest
from tests.acceptance.hub_process import COGHUB, START_S, HubProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def start_there(postgres_server, environ):
    """Start a hub with a database, as `start_there(data_folder, url)`, and end it with the test."""
    started = []

    def start(folder, url):
        started.append(HubProcess(folder, {**environ, "COGHUB_DATABASE": url}))
        return started[-1]

    yield start
    for hub in started:
        hub.kill()


def test_a_hub_on_postgresql_runs_what_is_pushed_and_survives_a_crash(
    start_there, postgres_server, client_of, example, tmp_path
):
    with postgres_server.database() as url:
        hub = start_there(tmp_path / "data", url)
        hub.run("user", "create", "alice")
        token = hub.run("token", "create", "alice").strip()
        hello = pushed(example("hello-world"), hub, token, tmp_path)

        assert client_of(hub, token).run(hello, input={"text": "python"}) == "hello python"
        assert client_of(hub, token).run(hello, input={"text": "a\0b"}) == "hello a\0b"
        hub.kill()
        hub.restart()

        assert client_of(hub, token).run(hello, input={"text": "again"}) == "hello again"
        texts = [it.output for it in client_of(hub, token).predictions.list().results]
        assert texts == ["hello again", "hello a\0b", "hello python"]
        assert not (tmp_path / "data" / "hub.db").exists()
        assert hub.stop() == 0


def test_a_server_that_cannot_be_reached_is_told_and_nothing_starts(environ, tmp_path):
    own = {"COGHUB_DATA": str(tmp_path), "COGHUB_DATABASE": "postgresql://a:secret@127.0.0.1:1/b"}
    done = subprocess.run(
        [COGHUB, "up", "--port", "0"],
        env={**environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )

    assert done.returncode == 1
    assert "The database postgresql://127.0.0.1:1/b cannot be used: connection" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def pushed(person, hub, token, home) -> str:
    """Push a project as `alice/hello-world`, and return what the client calls it."""
    own = {"DOCKER_CONFIG": str(home / "docker"), "COG_DATA_DIR": str(home / "author")}
    for arguments in (["login", "--token-stdin", hub.address], ["push", "alice/hello-world"]):
        done = person(*arguments, stdin=token, **own)
        assert done.returncode == 0, done.stderr
    [version] = re.findall(r"sha256:([0-9a-f]{64})", done.stdout)
    return f"alice/hello-world:{version}"
