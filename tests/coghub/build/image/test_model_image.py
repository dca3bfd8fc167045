"""Images of models, made by an engine that answers."""

import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from coghub.build.docker.image import find_image
from coghub.build.image.environment_image import NO_OPTIONS, BuildOptions, ensure_environment
from coghub.build.image.model_image import ModelOrder, build_model_image, model_text
from coghub.build.image.weights import MIN_BYTES
from coghub.domain.errors import NameInvalid, ProjectUnreadable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DOCUMENT = {"openapi": "3.0.2", "components": {"schemas": {"Output": {"type": "string"}}}}
SEPARATE = BuildOptions(separate_weights=True)
MADE_BY_APT = (
    "var/log/",
    "var/cache/ldconfig/",
    "var/lib/dpkg/",
    "var/cache/apt",
    "var/cache/debconf",
)


@dataclass
class Maker:
    """Builds the same project again and again."""

    docker: object
    plan: object
    project: Path
    settings: object
    report: object

    def __call__(self, name, options=NO_OPTIONS, **order):
        environment = ensure_environment(
            self.docker, self.plan, self.project, self.settings, self.report
        )
        whole = {"document": DOCUMENT, **order}
        wanted = ModelOrder(self.plan, self.project, name=name, **whole)
        return build_model_image(
            self.docker, environment, wanted, self.settings, self.report, options
        )


@pytest.fixture
def make(docker, plan, project, engine_settings, report):
    return Maker(docker, plan, project, engine_settings, report)


def content(docker, image) -> dict[str, tuple]:
    """Return every file of an image: type, rights, owner, size, and a digest or a link."""
    container = docker.ask(["create", image.id]).strip()
    try:
        done = subprocess.run(
            docker.command(["export", container]),
            capture_output=True,
            check=True,
            env=docker.environ,
        )
    finally:
        docker.ask(["rm", container])
    found = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            digest = sha256(file.read()).hexdigest() if file else member.linkname
            is_compiled = member.name.endswith(".pyc")  # holds when its source was written
            known = (member.size, digest) if not is_compiled else ()
            found[member.name] = (member.type, member.mode, member.uid, member.gid, *known)
    return found


def layers(docker, image) -> list[str]:
    return json.loads(docker.ask(["image", "inspect", "-f", "{{json .RootFS.Layers}}", image.id]))


def source(docker, image) -> set[str]:
    names = content(docker, image)
    return {name.removeprefix("src/") for name in names if name.startswith("src/")} - {""}


def write_weights(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(MIN_BYTES))


def test_it_is_cogs_image_of_the_project(make, docker, new_name):
    image = make(f"{new_name()}:v1")

    assert image.config() == make.plan.config
    assert image.document() == DOCUMENT
    assert image.has_init
    assert image.is_ours
    assert "six==1.16.0" in image.labels["run.cog.pip_freeze"].splitlines()
    assert source(docker, image) == {
        ".cog",
        ".cog/openapi_schema.json",
        "cog.yaml",
        "predict.py",
    }


def test_both_builders_make_the_same_image(
    docker, plan, project, engine_settings, report, new_name
):
    if not docker.has_buildkit:
        pytest.skip("compared once")
    write_weights(project / "weights" / "a.bin")
    write_weights(project / "w [1] $x 'q\".bin")
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o755)
    (project / "link.py").symlink_to("predict.py")
    classic = replace(docker, has_buildkit=False)  # every command has that one too
    uncached = BuildOptions(no_cache=True)

    images = []
    for builder in (docker, classic):
        environment = ensure_environment(builder, plan, project, engine_settings, report, uncached)
        order = ModelOrder(plan, project, DOCUMENT, new_name())
        images.append(
            build_model_image(builder, environment, order, engine_settings, report, SEPARATE)
        )

    first, second = (content(docker, image) for image in images)
    different = {
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    }
    assert {name for name in different if not name.startswith(MADE_BY_APT)} == set()
    assert images[0].labels == images[1].labels
    assert images[0].environment == images[1].environment
    assert images[0].entrypoint == images[1].entrypoint
    assert images[0].command == images[1].command


def test_what_is_no_part_of_the_project_stays_out(make, docker, project, new_name):
    (project / ".dockerignore").write_text("ignored/*\n!ignored/kept\n*.log\n!**/.env\n")
    for path in (
        *("ignored/lost", "ignored/kept", "a.log", "deep/.env", ".env", ".git/HEAD"),
        *("__pycache__/a.pyc", "own/pyvenv.cfg", "own/lib", ".cog/build/x", "deep/.venv/x"),
    ):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text("")
    (project / "outside").symlink_to("/etc/passwd")
    (project / "inside").symlink_to("predict.py")

    image = make(new_name())

    assert source(docker, image) == {
        *(".cog", ".cog/openapi_schema.json", ".dockerignore", "cog.yaml", "deep"),
        *("ignored", "ignored/kept", "inside", "predict.py"),
    }


def test_the_project_is_left_as_it_was(make, project, new_name):
    before = sorted(path.name for path in project.iterdir())

    make(new_name())

    assert sorted(path.name for path in project.iterdir()) == before


def test_weights_keep_their_layers_when_the_code_changes(make, docker, project, new_name):
    write_weights(project / "weights" / "a.bin")
    write_weights(project / "other.bin")
    name = new_name()
    first = layers(docker, make(name, SEPARATE))

    (project / "predict.py").write_text("# changed\n")
    second = layers(docker, make(name, SEPARATE))

    assert second[:-2] == first[:-2]
    assert second[-2:] != first[-2:]
    assert {"weights/a.bin", "other.bin"} < source(docker, find_image(docker, name))


def test_a_document_longer_than_a_line_may_be_is_a_label(make, new_name):
    long = {**DOCUMENT, "info": {"description": 'a "quoted" $word # \\ é ' * 10_000}}

    image = make(new_name(), document=long)

    assert image.document() == long


def test_another_name_of_the_config_file_becomes_the_usual_one(make, docker, project, new_name):
    (project / "other.yaml").write_text("other")

    image = make(new_name(), config_name="other.yaml")

    files = content(docker, image)
    assert files["src/cog.yaml"] == files["src/other.yaml"]


def test_what_had_the_name_before_does_not_stay(make, docker, project, new_name):
    name = new_name()
    before = make(name)
    (project / "predict.py").write_text("# changed\n")

    make(name)

    assert find_image(docker, before.id) is None


def test_what_has_another_name_too_does_stay(make, docker, project, new_name):
    name, other = new_name(), new_name()
    before = make(name)
    docker.ask(["tag", name, other])
    (project / "predict.py").write_text("# changed\n")

    make(name)

    kept = find_image(docker, other)
    assert kept is not None
    assert kept.id == before.id


def test_no_name_of_the_build_itself_stays(make, docker, new_name):
    make(new_name(), SEPARATE)

    mark = f"-{os.getpid()}-"
    assert mark not in docker.ask(["image", "ls", "--format", "{{.Tag}}", "cog-build"])


def test_a_name_that_is_none_is_refused(make):
    with pytest.raises(NameInvalid):
        make("No Name")


def test_code_that_is_left_out_is_told(make, project, new_name):
    (project / ".dockerignore").write_text("predict.py\n")

    with pytest.raises(
        ProjectUnreadable, match=r"would lack what cog\.yaml refers to: predict\.py"
    ):
        make(new_name())


def test_the_text_begins_with_what_changes_least():
    assert model_text("environment", ["a.bin"], "own.yaml", ".") == (
        "FROM environment\n"
        'COPY ["./a.bin", "/src/a.bin"]\n'
        "COPY . /src\n"
        'RUN ["cp", "/src/own.yaml", "/src/cog.yaml"]\n'
    )
