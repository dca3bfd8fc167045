"""Images that Cog 0.9 to 0.23 has built run by the command, and on a hub."""

import base64
import json
import signal
import urllib.request

import pytest
from tests.acceptance.conftest import Person
from tests.acceptance.old_images import RELEASES, Release, image_of

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def old_image(docker_engine, tmp_path_factory):
    """Return what makes an image of a release, once."""
    made = {}

    def image(release: Release, project: str, **said: bool) -> str:
        key = (release.version, project, *said.items())
        if key not in made:
            folder = tmp_path_factory.mktemp("old")
            made[key] = image_of(docker_engine, release, project, folder, **said)
        return made[key]

    return image


@pytest.fixture
def cog(environ, docker_engine, tmp_path):
    yield Person(tmp_path, {**environ, **docker_engine.environ})
    assert docker_engine.left_behind() == []


each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda it: it.version)


@each_release
def test_text_files_lists_and_failures_are_understood(cog, old_image, release):
    talker = old_image(release, "talker")

    text = cog("predict", talker, "-i", "do=text")
    failed = cog("predict", talker, "-i", "do=fail")
    written = cog("predict", old_image(release, "writer"), "-i", "text=abc", "-o", "out.txt")
    listed = cog("predict", old_image(release, "lister"), "-i", "count=2")

    assert text.stdout == "did text\n", text.stderr
    assert text.stderr.count("working on text") == 1
    assert failed.returncode == 1
    assert 'Prediction failed with status "failed"' in failed.stderr
    assert "boom" in failed.stderr
    assert (cog.folder / "out.txt").read_text() == "abc", written.stderr
    assert json.loads(listed.stdout) == ["0", "1"]


@each_release
def test_a_failed_setup_ends_the_command_with_its_reason(cog, old_image, release):
    done = cog("predict", old_image(release, "talker"), "-i", "do=text", "-e", "SETUP_FAILS=1")

    assert done.returncode == 1
    assert "no weights here" in done.stderr
    last = done.stderr.splitlines()[-2:]
    assert any("Model setup failed" in line or "Container exited" in line for line in last)


@each_release
def test_a_large_file_reaches_the_model(cog, old_image, release):
    (cog.folder / "large.bin").write_bytes(bytes(9_000_001))

    done = cog("predict", old_image(release, "sizer"), "-i", "upload=@large.bin")

    assert done.stdout == "9000001\n", done.stderr


def test_an_image_without_a_schema_is_asked_for_it(cog, old_image):
    image = old_image(RELEASES[1], "lister", has_schema=False)

    refused = cog("predict", image, "-i", "nonsense=1")
    listed = cog("predict", image, "-i", "count=1")

    assert 'unknown input "nonsense"' in refused.stderr
    assert json.loads(listed.stdout) == ["0"]


def test_ctrl_c_ends_an_old_image_in_the_middle_of_a_prediction(cog, old_image):
    running = cog.start("predict", old_image(RELEASES[0], "talker"), "-i", "do=wait")
    assert running.stderr is not None
    for line in running.stderr:
        if "working on wait" in line:
            break

    running.send_signal(signal.SIGINT)

    with running:
        assert running.wait(60) == 130


@pytest.fixture
def docker_hub(started):
    return started()


@pytest.mark.parametrize("release", RELEASES, ids=lambda it: it.version)
def test_a_hub_runs_it_fetches_its_inputs_and_keeps_its_files(
    docker_hub, docker_engine, old_image, release, httpd
):
    host = docker_hub.hub.address.removeprefix("http://")
    versions = {}
    for project in ("talker", "sizer", "writer", "lister"):
        name = f"{host}/{docker_hub.hub.administrator}/{project}"
        docker_engine.run("tag", old_image(release, project), name)
        docker_engine.run(
            "login",
            host,
            "--username",
            docker_hub.hub.administrator,
            "--password-stdin",
            given=docker_hub.hub.token.encode(),
        )
        docker_engine.run("push", "--quiet", name)
        docker_engine.run("rmi", name)
        path = f"/v1/models/{docker_hub.hub.administrator}/{project}"
        versions[project] = docker_hub.hub.get(path)["latest_version"]["id"]

    text = docker_hub.predict(versions["talker"], do="text")
    size = docker_hub.predict(versions["sizer"], upload=f"{httpd}/file.bin")
    failed = docker_hub.predict(versions["talker"], do="fail")
    written = docker_hub.predict(versions["writer"], text="abc")
    listed = docker_hub.predict(versions["lister"], count=2)

    assert text["output"] == "did text", text
    assert "working on text" in text["logs"]
    assert size["output"] == "5", size
    assert failed["status"] == "failed"
    assert "boom" in failed["error"]
    assert _content(written["output"]) == b"abc"
    assert listed["output"] == ["0", "1"]


def _content(url: str) -> bytes:
    if url.startswith("data:"):
        return base64.b64decode(url.partition(",")[2])
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()
