import pytest

from coghub.cli import options
from coghub.domain.errors import UsageError

NOTHING = {"progress": None, "use_cog_base_image": None, "use_cuda_base_image": None}


def test_options_for_docker_are_named_when_they_change_nothing():
    assert options.ignored_lines({**NOTHING, "use_cog_base_image": True, "no_cache": True}) == [
        "--use-cog-base-image has no effect without Docker",
        "--no-cache has no effect without Docker",
    ]
    assert options.ignored_lines({**NOTHING, "progress": "plain"}) == []


def test_two_base_images_exclude_each_other():
    with pytest.raises(UsageError) as refused:
        options.ignored_lines(
            {**NOTHING, "use_cog_base_image": True, "use_cuda_base_image": "auto"}
        )

    assert refused.value.message == (
        "The flags --use-cog-base-image and --use-cuda-base-image are mutually exclusive: "
        "you can only set one of them."
    )


def test_a_dockerfile_is_refused_and_not_silently_left_out():
    with pytest.raises(UsageError, match="--dockerfile needs the Docker engine"):
        options.ignored_lines({**NOTHING, "dockerfile": "Dockerfile"})


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
