"""Environment images, made by an engine that answers."""

import subprocess
from dataclasses import replace

import pytest

from coghub.build.cog_yaml import Command, Mount
from coghub.build.events import Notice, Step
from coghub.build.image.environment_image import (
    NO_OPTIONS,
    BuildOptions,
    ensure_environment,
    environment_text,
)
from coghub.domain.errors import BuildFailed, ConfigInvalid

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SERVER = "import sys; sys.path.insert(0, '/opt/cog/sdk'); import cog.server.app"
NASTY = {
    "QUOTES": 'it\'s "quoted" `twice`',
    "DOLLARS": "$HOME ${PATH:-x} $$",
    "BACKSLASHES": "a\\b \\\\ \\n \\",
    "HASH": "# no comment",
    "SPACES": "  a  b  ",
    "UNICODE": "é\u2028日本 \U0001f600 \x85",
    "EMPTY": "",
}


def inside(docker, image, *words: str) -> str:
    run = ["run", "--rm", "--network=none", f"--entrypoint={words[0]}", image.id, *words[1:]]
    return docker.ask(run)


def test_it_has_python_packages_the_sdk_and_the_server(
    docker, plan, project, engine_settings, report
):
    image = ensure_environment(docker, plan, project, engine_settings, report)

    script = "import cog, six; print(cog.__file__, six.__version__)"
    assert inside(docker, image, "python", "-c", script) == "/opt/cog/sdk/cog/__init__.py 1.16.0\n"
    inside(docker, image, "/opt/cog/bin/python", "-c", SERVER)
    assert inside(docker, image, "cat", "/etc/hello") == "hello\n"
    assert "pget [-x] [-f]" in inside(docker, image, "pget", "--help")
    assert image.entrypoint == ("/usr/bin/tini", "--")
    assert image.command == ("python", "-m", "cog.server.http")
    assert image.environment["COG_PREDICT_TYPE_STUB"] == "predict.py:Predictor"
    assert image.environment["GREETING"] == "hello world"


def test_nothing_that_only_the_build_needs_stays(docker, plan, project, engine_settings, report):
    image = ensure_environment(docker, plan, project, engine_settings, report)

    look = "ls -A /mnt /media /srv /home /root/.cache /var/lib/apt/lists 2>/dev/null; command -v uv"
    found = inside(docker, image, "sh", "-c", f"{look}; true").split()
    assert found == ["/home:", "/media:", "/mnt:", "/srv:", "/var/lib/apt/lists:"]
    compiled = inside(docker, image, "find", "/opt/cog/sdk", "-name", "http.*.pyc")
    assert "/opt/cog/sdk/cog/server/__pycache__/" in compiled


def test_one_that_is_there_is_taken_as_it_is(docker, plan, project, engine_settings, report):
    first = ensure_environment(docker, plan, project, engine_settings, report)
    report.events.clear()

    again = ensure_environment(docker, plan, project, engine_settings, report)

    assert again.id == first.id
    assert report.events == []


def test_both_builders_know_it_by_the_same_name(plan, project, engine_settings, report, docker):
    other = replace(docker, has_buildkit=not docker.has_buildkit)
    image = ensure_environment(docker, plan, project, engine_settings, report)

    assert ensure_environment(other, plan, project, engine_settings, report).id == image.id


def test_variables_are_in_the_image_as_they_were_written(
    docker, plan, project, engine_settings, report
):
    nasty = replace(plan, environment=NASTY)

    image = ensure_environment(docker, nasty, project, engine_settings, report)

    assert {name: image.environment[name] for name in NASTY} == NASTY
    script = f"import os; print(ascii({{name: os.environ[name] for name in {list(NASTY)!r}}}))"
    assert inside(docker, image, "python", "-c", script).strip() == ascii(NASTY)


def test_packages_of_the_project_are_installed(
    docker, plan, project, engine_settings, report, make_wheel
):
    path = make_wheel(project / "wheels", "own-package", "2.0", requires=("cog",))
    below = path.relative_to(project).as_posix()
    wanted = replace(plan, requirements=(f"./{below}",), local_packages={below: "sha256:1"})

    image = ensure_environment(docker, wanted, project, engine_settings, report)

    script = "import own_package, cog; print(own_package.version, cog.__file__)"
    said = inside(docker, image, "python", "-c", script)
    assert said == "2.0 /opt/cog/sdk/cog/__init__.py\n"


def test_a_certificate_is_trusted_beside_those_of_the_base(
    docker, plan, project, engine_settings, report, tmp_path
):
    key, path = str(tmp_path / "key.pem"), tmp_path / "ca.pem"
    new = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", key]
    subprocess.run(["openssl", "req", *new, "-out", path], capture_output=True, check=True)
    trusting = replace(engine_settings, ca_certificate=str(path))

    image = ensure_environment(docker, plan, project, trusting, report)

    bundle = image.environment["SSL_CERT_FILE"]
    assert image.environment["REQUESTS_CA_BUNDLE"] == bundle
    assert inside(docker, image, "cat", bundle).endswith(path.read_text())


def test_a_step_that_fails_leaves_no_name(docker, plan, project, engine_settings, report):
    wanted = replace(plan, run=(Command("echo the reason; exit 3"),))

    with pytest.raises(BuildFailed) as failed:
        ensure_environment(docker, wanted, project, engine_settings, report)

    assert failed.value.message == (
        "A step of the build failed: RUN echo the reason; exit 3\n  the reason"
    )


def test_a_command_of_several_lines_is_refused(docker, plan, project, engine_settings, report):
    wanted = replace(plan, run=(Command("echo a\necho b"),))

    with pytest.raises(ConfigInvalid, match="contains a new line"):
        ensure_environment(docker, wanted, project, engine_settings, report)


@pytest.fixture
def buildkit(docker):
    if not docker.has_buildkit:
        pytest.skip("BuildKit only")
    return docker


def test_a_secret_is_there_for_its_command_only(
    buildkit, plan, project, engine_settings, report, tmp_path
):
    (tmp_path / "token").write_text("hidden")
    command = "sha256sum < /run/token > /etc/digest"
    wanted = replace(plan, run=(Command(command, (Mount("secret", "token", "/run/token"),)),))
    options = BuildOptions(secrets=(f"id=token,src={tmp_path}/token",), no_cache=True)

    image = ensure_environment(buildkit, wanted, project, engine_settings, report, options)

    digest = subprocess.run(["sha256sum"], input=b"hidden", capture_output=True, check=True).stdout
    assert inside(buildkit, image, "cat", "/etc/digest").encode() == digest
    history = buildkit.ask(["history", "--no-trunc", image.id])
    assert "hidden" not in history


def test_a_secret_that_is_not_given_is_told(buildkit, plan, project, engine_settings, report):
    mounted = Command("cat /run/token", (Mount("secret", "token", "/run/token"),))

    with pytest.raises(BuildFailed, match="cat /run/token"):
        ensure_environment(
            buildkit, replace(plan, run=(mounted,)), project, engine_settings, report
        )

    assert "No secret `token` is given; `--secret id=token,src=PATH` gives it to `build.run`" in (
        report.notices
    )


def test_a_text_that_was_edited_is_built_to_our_stage(
    docker, plan, project, engine_settings, report, tmp_path
):
    if not docker.has_buildkit:
        pytest.skip("`cog debug` prints what BuildKit builds")
    text = environment_text(plan, engine_settings, NO_OPTIONS)
    edited = text.replace("WORKDIR /src", "RUN echo edited > /etc/edited\nWORKDIR /src")
    (tmp_path / "Dockerfile").write_text(f"{edited}\nFROM environment\nCOPY nothing /src\n")
    options = BuildOptions(dockerfile=tmp_path / "Dockerfile")

    image = ensure_environment(docker, plan, project, engine_settings, report, options)

    assert inside(docker, image, "cat", "/etc/edited") == "edited\n"


def test_a_text_of_the_users_own_sees_the_project(
    docker, plan, project, engine_settings, report, tmp_path
):
    text = f"FROM {engine_settings.base_image}\nCOPY predict.py /copied.py\n"
    (tmp_path / "Dockerfile").write_text(text)
    options = BuildOptions(dockerfile=tmp_path / "Dockerfile")

    ensure_environment(docker, plan, project, engine_settings, report, options)
    (project / "predict.py").write_text("# changed\n")
    image = ensure_environment(docker, plan, project, engine_settings, report, options)

    assert inside(docker, image, "cat", "/copied.py") == "# changed\n"


def test_what_is_chosen_is_told_only_when_it_is_built(
    buildkit, plan, project, engine_settings, report
):
    wanted = replace(plan, gpu=True, cuda="99.1")

    with pytest.raises(ConfigInvalid, match=r"99\.1"):
        ensure_environment(buildkit, wanted, project, engine_settings, report)

    assert not any(isinstance(event, (Notice, Step)) for event in report.events)
