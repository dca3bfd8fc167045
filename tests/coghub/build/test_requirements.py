"""What a project asks of the installer, from its files and lists."""

from pathlib import Path

import pytest

from coghub.build.cog_yaml import Build
from coghub.build.index import IndexSettings
from coghub.build.requirements import Requirements, read_requirements
from coghub.domain.errors import RequirementsInvalid


def read(project: Path, text: str) -> Requirements:
    (project / "requirements.txt").write_text(text, "utf-8")
    return read_requirements(Build(python_requirements="requirements.txt"), project)


def test_a_list_in_cog_yaml_is_read_as_a_file_is(tmp_path: Path) -> None:
    packages = ("torch==2.4.1 --extra-index-url https://cu", "# none", "cog==0.9.4", "numpy")

    found = read_requirements(Build(python_packages=packages), tmp_path)

    assert found.packages == ["torch==2.4.1", "numpy"]
    assert found.index.extra_index_urls == ("https://cu",)
    assert found.warnings == [
        "'cog==0.9.4' found in requirements — overriding with the SDK of this command"
    ]


def test_included_files_are_followed_from_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "deep" / "more").mkdir(parents=True)
    (tmp_path / "deep" / "base.txt").write_text("numpy\n-r more/last.txt\n-c limits.txt\n")
    (tmp_path / "deep" / "more" / "last.txt").write_text("pillow\n-r ../base.txt\n")
    (tmp_path / "deep" / "limits.txt").write_text("numpy<2\n")

    found = read(tmp_path, "torch\n-r deep/base.txt\n")

    assert found.packages == ["torch", "numpy", "pillow"]
    assert found.constraints == ["numpy<2"]


def test_settings_of_the_index_are_gathered_in_order(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    found = read(
        tmp_path,
        "--index-url https://one\n-i https://two\n--extra-index-url https://a\n"
        "--extra-index-url https://b\n-f wheels\n-f https://c\n--trusted-host h\n--pre\n"
        "--no-binary :all:\n--only-binary a,b\n--no-index\n--use-feature x\n",
    )

    assert found.index == IndexSettings(
        index_url="https://two",
        extra_index_urls=("https://a", "https://b"),
        find_links=("wheels", "https://c"),
        no_index=True,
        trusted_hosts=("h",),
        pre=True,
        no_binary=(":all:",),
        only_binary=("a", "b"),
    )
    assert found.warnings[0] == "Option `--use-feature` in requirements is ignored"


def test_the_project_itself_is_not_installed(tmp_path: Path) -> None:
    assert read(tmp_path, "-e .\n").packages == []


@pytest.mark.parametrize(
    "line", ["cog", "cog>=0.9", "coglet", "Cog[x]==1", "cog @ https://x/y.tar.gz"]
)
def test_a_cog_of_its_own_is_dropped(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f"{line}\ncogent\n")

    assert found.packages == ["cogent"]
    assert found.warnings[0].startswith(f"'{line}' found in requirements — overriding with ")


def test_local_packages_are_paths_below_the_project(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"a")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b-1.0.tar.gz").write_bytes(b"b")
    (tmp_path / "sub" / "list.txt").write_text("./b-1.0.tar.gz[extra] ; python_version > '3'\n")

    found = read(tmp_path, "a.whl\n-r sub/list.txt\n")

    assert found.packages == ["./a.whl", "./sub/b-1.0.tar.gz[extra] ; python_version > '3'"]
    assert list(found.local_packages) == ["a.whl", "sub/b-1.0.tar.gz"]


def test_a_local_folder_changes_its_digest_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "setup.py").write_text("one")
    before = read(tmp_path, "-e ./lib\n").local_packages

    (tmp_path / "lib" / "setup.py").write_text("two")
    after = read(tmp_path, "-e ./lib\n").local_packages

    assert before.keys() == after.keys() == {"lib"}
    assert before != after


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("missing.whl", 'local Python package artifact "missing.whl" not found: '),
        ("../outside.whl", '"../outside.whl" must be inside the project directory'),
        ("folder.whl", '"folder.whl" must be a regular file'),
    ],
)
def test_a_local_package_that_cannot_be_used_is_named(
    tmp_path: Path, line: str, reason: str
) -> None:
    project = tmp_path / "project"
    (project / "folder.whl").mkdir(parents=True)
    (tmp_path / "outside.whl").touch()

    with pytest.raises(RequirementsInvalid) as caught:
        read(project, line)

    assert reason in caught.value.message


def test_a_missing_included_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequirementsInvalid, match=r'"no.txt" named in requirements.txt does not'):
        read(tmp_path, "-r no.txt\n")


def test_a_file_from_another_system_is_read(tmp_path: Path) -> None:
    """PowerShell writes UTF-16, and Windows ends lines with two characters."""
    (tmp_path / "requirements.txt").write_bytes("torch\r\nnumpy\r\n".encode("utf-16"))

    found = read_requirements(Build(python_requirements="requirements.txt"), tmp_path)

    assert found.packages == ["torch", "numpy"]


def test_a_binary_file_is_no_requirements_file(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\x80\x81")

    with pytest.raises(RequirementsInvalid, match="is not utf-8 text"):
        read_requirements(Build(python_requirements="requirements.txt"), tmp_path)


def test_files_on_the_web_are_left_to_the_installer(tmp_path: Path) -> None:
    found = read(tmp_path, "-r https://host/all.txt\n-c https://host/limits.txt\n")

    assert found.packages == ["-r https://host/all.txt"]
    assert found.constraints == ["-c https://host/limits.txt"]
