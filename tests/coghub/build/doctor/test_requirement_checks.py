import json

import pytest
from tests.coghub.build.doctor.conftest import CONFIG, PYTHON, WITH_REQUIREMENTS, Folder

from coghub.build.doctor.requirement_checks import is_unpinned
from coghub.build.plan import Plan

CHECK = "requirements-unpinned"


def make_environment(folder: Folder, packages: dict[str, str], modules: tuple[str, ...] = ()):
    """Put an environment of the project's plan into the cache, with nothing real in it."""
    plan = folder.project.plan
    assert isinstance(plan, Plan)
    place = folder.path.parent / "cache" / "environments" / "abc"
    site = place / "lib" / f"python{PYTHON}" / "site-packages"
    for name, version in packages.items():
        (site / f"{name}-{version}.dist-info").mkdir(parents=True)
    for module in modules:
        (site / module).mkdir(parents=True)
    record = {
        "python_version": f"{PYTHON}.1",
        "requirements": plan.requirements,
        "size_bytes": 1,
        "created_at": "2026-01-01T00:00:00+00:00",
    }
    (place / "coghub.json").write_text(json.dumps(record))
    place.with_suffix(".lock").touch()


@pytest.mark.parametrize(
    "line",
    [
        "torch",
        "torch>=2",
        "torch ~= 2.1",
        "torch==2.*",
        'torch[opt] ; python_version > "3"',
        "git+https://github.com/openai/CLIP.git",
        "clip @ git+https://github.com/openai/CLIP.git#egg=clip",
    ],
)
def test_a_line_without_one_version_is_unpinned(line: str):
    assert is_unpinned(line)


@pytest.mark.parametrize(
    "line",
    [
        "torch==2.9.1",
        "torch ===2.9.1",
        "torch[opt]==2.9.1+cpu ; python_version > '3'",
        "torch==2.9.1 --hash=sha256:abc",
        "git+https://github.com/openai/CLIP.git@a1b2c3d",
        "x @ https://example.com/x.zip",
        "./wheels/x-1.0-py3-none-any.whl",
        "./local",
        "cog",
    ],
)
def test_a_line_with_one_version_is_pinned(line: str):
    assert not is_unpinned(line)


def test_a_file_that_is_named_and_missing_is_an_error(folder: Folder):
    folder.write({"cog.yaml": WITH_REQUIREMENTS})

    said = 'invalid build.python_requirements "requirements.txt": file does not exist'
    assert folder.lines() == [f"error cog.yaml:3: {said}"]
    assert folder.findings()[0].check == "requirements-missing"


def test_a_file_that_another_one_names_is_one_too(folder: Folder):
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": "-r more.txt\n"})

    (finding,) = folder.findings("requirements-missing")

    assert 'File "more.txt" named in requirements.txt does not exist' in finding.message


def test_requirements_that_are_no_text_are_invalid(folder: Folder):
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": b"\xff\xff"})

    assert [it.check for it in folder.findings()] == ["requirements-invalid"]


def test_what_has_no_version_is_warned_of_where_it_stands(folder: Folder):
    folder.write(
        {
            "cog.yaml": WITH_REQUIREMENTS,
            "requirements.txt": "-r sub/more.txt\n-c fixed.txt\n# a\nnumpy\nscipy\n",
            "sub/more.txt": "pillow>=10\n",
            "fixed.txt": "scipy==1.16.0\n",
        }
    )

    assert folder.lines(CHECK) == [
        "warning requirements.txt:4: numpy has no exact version",
        "warning sub/more.txt:1: pillow has no exact version",
    ]
    assert folder.fix() == []


def test_packages_in_the_config_are_looked_at_too(folder: Folder):
    config = CONFIG.replace("predict:", "  python_packages:\n    - numpy\npredict:", 1)
    folder.write({"cog.yaml": config})

    assert folder.lines(CHECK) == ["warning cog.yaml:3: numpy has no exact version"]


def test_an_environment_says_which_versions_there_are(folder: Folder):
    before = '# why\r\nPillow>=10,<12 ; python_version > "3"  # pics\r\ntorch [opt]\r\nnumpy'
    pinned = 'Pillow==11.3.0 ; python_version > "3"  # pics\r\ntorch [opt]==2.9.1\r\nnumpy==2.4.6'
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": before})
    make_environment(folder, {"pillow": "11.3.0", "torch": "2.9.1+cpu", "numpy": "2.4.6"})

    done = folder.fix(CHECK)

    assert done == ["pinned Pillow to 11.3.0, pinned torch [opt] to 2.9.1, pinned numpy to 2.4.6"]
    assert folder.read("requirements.txt") == f"# why\r\n{pinned}"
    assert folder.lines() == []
    assert folder.fix() == []


def test_of_two_lines_for_one_package_nobody_knows_which_it_was(folder: Folder):
    lines = "numpy<2 ; python_version<'3.12'\nnumpy>=2 ; python_version>='3.12'\nsix\n"
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": lines})
    make_environment(folder, {"numpy": "1.26.4", "six": "1.17.0"})

    assert folder.fix(CHECK) == ["pinned six to 1.17.0"]
    assert folder.read("requirements.txt") == lines.replace("six", "six==1.17.0")


def test_an_environment_of_other_requirements_says_nothing(folder: Folder):
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": "numpy\n"})
    make_environment(folder, {"numpy": "2.4.6"})
    folder.write({"requirements.txt": "numpy>=2\n"})

    assert folder.fix(CHECK) == []


def test_what_powershell_wrote_stays_as_it_is(folder: Folder):
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": "numpy\r\n".encode("utf-16")})
    make_environment(folder, {"numpy": "2.4.6"})

    folder.fix(CHECK)

    assert (folder.path / "requirements.txt").read_bytes() == "numpy==2.4.6\r\n".encode("utf-16")
