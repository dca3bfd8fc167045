"""The text of a Dockerfile follows from the recipe alone."""

from dataclasses import replace

import pytest

from coghub.build.cog_yaml import Command, Mount
from coghub.build.image.dockerfile import Builder, dockerfile
from coghub.build.image.recipe import Recipe
from coghub.domain.errors import ConfigInvalid

BUILDKIT, CLASSIC = Builder(has_buildkit=True), Builder(has_buildkit=False)
RECIPE = Recipe(
    base_image="python:3.11-slim",
    uv="uv==1.0",
    system_packages=("ffmpeg", "libgl1"),
    environment={"B": 'say "$x"', "A": "1"},
    requirements=("six==1.16.0",),
    run=(Command("pip list"), Command("touch /etc/a")),
    predict="predict.py:Predictor",
    train="train.py:train",
    max_concurrency=4,
)


@pytest.fixture(params=[BUILDKIT, CLASSIC], ids=["buildkit", "classic"])
def builder(request):
    return request.param


def after(text: str, *parts: str) -> None:
    """Assert that parts of a text come in this order."""
    found = [text.index(part) for part in parts]
    assert found == sorted(found)


def test_what_changes_more_often_comes_later(builder):
    text = dockerfile(RECIPE, builder)

    after(
        text,
        "FROM python:3.11-slim AS base",
        "AS server",
        "COPY sdk /opt/cog/sdk",
        "FROM base AS environment",
        "install -y ffmpeg libgl1",
        'ENV A="1" \\\n    B="say \\"\\$x\\""',
        "/mnt/requirements.txt",
        "COPY --from=server /opt/cog /opt/cog",
        "RUN pip list",
        "RUN touch /etc/a",
        "WORKDIR /src",
        "EXPOSE 5000",
        'ENV COG_PREDICT_TYPE_STUB="predict.py:Predictor"',
        'ENV COG_TRAIN_TYPE_STUB="train.py:train"',
        'ENV COG_MAX_CONCURRENCY="4"',
        'ENTRYPOINT ["/usr/bin/tini", "--"]',
        'CMD ["python", "-m", "cog.server.http"]',
    )


def test_equal_recipes_give_equal_text(builder):
    other = replace(RECIPE, environment=dict(reversed(RECIPE.environment.items())))

    assert dockerfile(other, builder) == dockerfile(RECIPE, builder)


def test_nothing_newer_than_dockerfile_1_2_is_in_it(builder):
    text = dockerfile(RECIPE, builder)

    assert "#syntax" not in text.replace(" ", "")
    assert "--link" not in text
    assert "<<" not in text


def test_the_classic_builder_is_asked_to_mount_nothing():
    assert "--mount" in dockerfile(RECIPE, BUILDKIT)
    assert "--mount" not in dockerfile(RECIPE, CLASSIC)


def test_what_only_the_build_needs_is_gone_in_the_same_step():
    text = dockerfile(RECIPE, CLASSIC)

    for step in text.split("\n\n"):
        assert step.count("COPY packages /mnt") + step.count("COPY server /mnt") == step.count(
            "rm -rf /mnt/* /media/* /srv/* /srv/.??*"
        )


def test_the_server_is_the_same_for_every_project(builder):
    def stage(recipe: Recipe) -> str:
        return next(
            part for part in dockerfile(recipe, builder).split("\n\n") if "AS server" in part
        )

    assert stage(RECIPE) == stage(Recipe(base_image=RECIPE.base_image, uv=RECIPE.uv))


def test_a_gpu_has_its_variables(builder):
    text = dockerfile(replace(RECIPE, is_gpu=True), builder)

    assert "NVIDIA_DRIVER_CAPABILITIES=all" in text
    assert "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/lib/x86_64-linux-gnu:" in text
    assert "NVIDIA" not in dockerfile(RECIPE, builder)


def test_a_base_without_python_gets_the_one_of_the_official_image(builder):
    recipe = replace(RECIPE, base_image="nvidia/cuda:12", python_image="python:3.11-slim-bookworm")

    text = dockerfile(recipe, builder)

    after(
        text,
        "FROM python:3.11-slim-bookworm AS python",
        "FROM nvidia/cuda:12 AS base",
        "libffi-dev",
        "COPY --from=python /usr/local/lib /usr/local/lib",
        "RUN ldconfig && python --version",
        "AS server",
    )


def test_a_mirror_stands_in_for_debian_and_ubuntu(builder):
    text = dockerfile(replace(RECIPE, apt_mirror="http://mirror.example/apt/"), builder)

    after(text, "#http://mirror.example/apt#g", "apt-get")


def test_a_certificate_is_trusted_before_anything_is_fetched(builder):
    text = dockerfile(replace(RECIPE, has_certificate=True), builder)

    after(
        text,
        "COPY ca.crt /usr/local/share/ca-certificates/cog-ca-cert.crt",
        "cog-ca-cert.crt >> /etc/ssl/certs/ca-certificates.crt",
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
        " REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt",
        "uv==1.0",
    )


def test_packages_that_only_the_sources_want_are_added_where_they_are_missing(builder):
    text = dockerfile(replace(RECIPE, if_missing=("pydantic",)), builder)

    assert "{ uv pip show -q --system pydantic >/dev/null 2>&1 || uv pip install" in text


def test_constraints_are_named_where_there_are_some(builder):
    assert "constraints.txt" not in dockerfile(RECIPE, builder)
    assert "--constraints /mnt/constraints.txt" in dockerfile(
        replace(RECIPE, constraints=("a<1",)), builder
    )


SECRET = replace(
    RECIPE, run=(Command("pip install x", (Mount("secret", "pip", "/etc/pip.conf"),)),)
)


def test_a_command_gets_its_secrets():
    text = dockerfile(SECRET, BUILDKIT)

    assert "RUN --mount=type=secret,id=pip,target=/etc/pip.conf pip install x" in text


def test_the_classic_builder_has_no_secrets_and_says_so():
    with pytest.raises(ConfigInvalid, match="needs BuildKit: pip install x"):
        dockerfile(SECRET, CLASSIC)
