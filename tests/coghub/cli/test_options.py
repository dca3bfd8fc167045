import sys

import pytest

from coghub.build.image.environment_image import BuildOptions
from coghub.cli import options
from coghub.cli.invocation import Invocation
from coghub.cli.output import Console
from coghub.domain.errors import UsageError
from coghub.settings import read_settings


def invocation_of(capsys, **environ: str) -> Invocation:
    settings = read_settings({"COG_ENGINE": "local", "HOME": "/nonexistent", **environ})
    return Invocation(settings, Console(sys.stdout, sys.stderr))


def test_options_for_docker_are_named_when_they_change_nothing(capsys):
    given = {"use_cog_base_image": True, "no_cache": True, "progress": "plain", "secrets": ()}

    options.preparation_of(invocation_of(capsys), given)

    assert capsys.readouterr().err.splitlines() == [
        "warning: --use-cog-base-image has no effect without Docker",
        "warning: --no-cache has no effect without Docker",
    ]


def test_options_for_this_machine_are_named_where_docker_builds(capsys):
    invocation = invocation_of(capsys, COG_ENGINE="docker")

    options.preparation_of(invocation, {"run_commands": True, "no_cache": True})

    assert capsys.readouterr().err == "warning: --run-commands has no effect with Docker\n"


@pytest.mark.parametrize(
    ("said", "wanted"), [(None, None), ("auto", None), ("true", True), ("false", False)]
)
def test_nvidias_image_is_wanted_refused_or_left_to_the_plan(capsys, said, wanted):
    invocation = invocation_of(capsys, COG_ENGINE="docker")

    preparation = options.preparation_of(invocation, {"use_cuda_base_image": said})

    assert preparation.build.wants_cuda_image is wanted


def test_two_base_images_exclude_each_other(capsys):
    given = {"use_cog_base_image": True, "use_cuda_base_image": "auto"}

    with pytest.raises(UsageError) as refused:
        options.preparation_of(invocation_of(capsys), given)

    assert refused.value.message == (
        "The flags --use-cog-base-image and --use-cuda-base-image are mutually exclusive: "
        "you can only set one of them."
    )


def test_a_dockerfile_is_refused_and_not_silently_left_out(capsys):
    with pytest.raises(UsageError, match="--dockerfile needs the Docker engine"):
        options.preparation_of(invocation_of(capsys), {"dockerfile": "Dockerfile"})


@pytest.mark.parametrize("secret", ["", "src=token.txt", "id="])
def test_a_secret_without_an_id_is_refused(capsys, secret):
    invocation = invocation_of(capsys, COG_ENGINE="docker")

    with pytest.raises(UsageError, match="Not a secret"):
        options.preparation_of(invocation, {"secrets": (secret,)})


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("id=a,src=/nowhere/token", "No file for the secret `a`: /nowhere/token"),
        ("id=a,env=NOT_THERE", "No variable for the secret `a`: NOT_THERE"),
    ],
)
def test_a_secret_that_cannot_be_had_is_refused(capsys, secret, reason):
    invocation = invocation_of(capsys, COG_ENGINE="docker")

    with pytest.raises(UsageError) as refused:
        options.preparation_of(invocation, {"secrets": (secret,)})

    assert refused.value.message == reason


def test_options_of_a_build_become_one_value(capsys, tmp_path):
    (tmp_path / "token").write_text("hidden")
    secrets = (f"id=a,src={tmp_path}/token", "id=b,env=TOKEN")
    given = {"no_cache": True, "secrets": secrets, "separate_weights": True}
    invocation = invocation_of(capsys, COG_ENGINE="docker", TOKEN="hidden")

    preparation = options.preparation_of(invocation, given)

    assert preparation.build == BuildOptions(no_cache=True, secrets=secrets, separate_weights=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("environ", "said", "shown"),
    [
        ({}, None, "auto"),
        ({"BUILDKIT_PROGRESS": "plain"}, None, "plain"),
        ({"BUILDKIT_PROGRESS": "plain"}, "tty", "tty"),
        ({"BUILDKIT_PROGRESS": "rawjson"}, None, "auto"),
        ({"TERM": "dumb"}, None, "plain"),
        ({"TERM": "dumb", "BUILDKIT_PROGRESS": "quiet"}, None, "quiet"),
    ],
)
def test_progress_is_the_options_or_the_environments(capsys, environ, said, shown):
    invocation = invocation_of(capsys, COG_ENGINE="docker", **environ)

    preparation = options.preparation_of(invocation, {"progress": said})

    assert preparation.build.progress == shown


@pytest.mark.parametrize(
    ("variables", "given"),
    [
        (["A=1"], {"A": "1"}),
        (["A="], {"A": ""}),
        (["A=1=2"], {"A": "1=2"}),
        (["A=1", "A=2"], {"A": "2"}),
        (["HERE"], {"HERE": "yes"}),
        (["NOT_HERE"], {}),
    ],
)
def test_variables_are_given_or_passed_on(variables, given):
    assert options.environment_of(variables, {"HERE": "yes"}) == given


@pytest.mark.parametrize("variable", ["=1", "", "A=\0"])
def test_what_is_no_variable_is_refused(variable):
    with pytest.raises(UsageError, match="expected NAME=VALUE"):
        options.environment_of([variable], {})


def test_weights_of_this_folder_are_found_from_the_projects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").write_bytes(b"")

    assert options.environment_of([], {"COG_WEIGHTS": "weights"}) == {
        "COG_WEIGHTS": str(tmp_path / "weights")
    }
    assert options.environment_of([], {"COG_WEIGHTS": "https://example.com/weights"}) == {}
