import os

import pytest
from tests.coghub.build.doctor.conftest import PREDICTOR, TOKEN_LIKE, Folder

from coghub.build.doctor.findings import Edit, Fix, Rename
from coghub.build.doctor.repair import Unfixed, apply
from coghub.build.doctor.texts import decoded, edited


def replace(folder: Folder, name: str, old: str, new: str) -> Fix:
    text = decoded((folder.path / name).read_bytes(), is_python=name.endswith(".py")).content
    start = text.index(old)
    return Fix("a change", (Edit(name, start, start + len(old), new),))


def fine() -> None:
    return None


def test_encoding_mark_line_ends_rights_and_the_missing_last_newline_stay(folder: Folder):
    before = b"\xef\xbb\xbf# coding: utf-8\r\nx = '\xc3\xa9'\r\nold = 1\ry = 2"
    folder.write({"x.py": before})
    (folder.path / "x.py").chmod(0o640)

    apply(folder.path, [replace(folder, "x.py", "old", "new")], fine)

    assert (folder.path / "x.py").read_bytes() == before.replace(b"old", b"new")
    assert (folder.path / "x.py").stat().st_mode & 0o777 == 0o640
    assert sorted(it.name for it in folder.path.iterdir()) == ["cog.yaml", "predict.py", "x.py"]


def test_what_leads_to_something_wrong_is_taken_back(folder: Folder):
    folder.write({"a.txt": "one\n", "b.txt": "two\n"})
    fixes = [replace(folder, "a.txt", "one", "three"), replace(folder, "b.txt", "two", "four")]
    fixes.append(Fix("a name", (), (Rename("b.txt", "c.txt"),)))

    with pytest.raises(Unfixed, match="taken back, since it leads to: a mistake"):
        apply(folder.path, fixes, lambda: "a mistake")

    assert folder.read("a.txt") == "one\n"
    assert folder.read("b.txt") == "two\n"
    assert not (folder.path / "c.txt").exists()


def test_python_that_would_not_parse_is_not_written(folder: Folder):
    with pytest.raises(Unfixed, match=r"predict\.py: "):
        apply(folder.path, [replace(folder, "predict.py", "class", "klass")], fine)

    assert folder.read("predict.py") == PREDICTOR


def test_a_letter_that_the_encoding_lacks_is_not_written(folder: Folder):
    folder.write({"x.py": b"# coding: ascii\nx = 1\n"})

    with pytest.raises(Unfixed):
        apply(folder.path, [replace(folder, "x.py", "x = 1", "x = 'é'")], fine)


def test_nothing_outside_and_nothing_behind_a_link_is_touched(folder: Folder):
    outside = folder.path.parent / "outside"
    outside.mkdir()
    (outside / "x.txt").write_text("one")
    (folder.path / "link.txt").symlink_to(outside / "x.txt")
    (folder.path / "inner.txt").symlink_to("cog.yaml")
    (folder.path / "folder").symlink_to(outside)

    for path in ("link.txt", "inner.txt", "folder/x.txt", "../outside/x.txt", "folder"):
        with pytest.raises(Unfixed, match=r"is a link, or outside|not a regular file"):
            apply(folder.path, [Fix("a change", (Edit(path, 0, 0, "new"),))], fine)
    with pytest.raises(Unfixed, match="is a link, or outside"):
        apply(folder.path, [Fix("", (), (Rename("predict.py", "folder/run.py"),))], fine)

    assert (outside / "x.txt").read_text() == "one"
    assert [it.name for it in outside.iterdir()] == ["x.txt"]


def test_a_file_is_not_renamed_over_another(folder: Folder):
    folder.write({"run.py": "mine"})

    with pytest.raises(Unfixed, match=r"run\.py exists"):
        apply(folder.path, [Fix("", (), (Rename("predict.py", "run.py"),))], fine)


def test_a_folder_that_may_not_be_written_is_said_by_the_files_name(folder: Folder):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.path.chmod(0o500)

    with pytest.raises(Unfixed, match=r"Permission denied: predict\.py"):
        apply(folder.path, [replace(folder, "predict.py", "text", "words")], fine)


def test_two_changes_of_one_place_are_none():
    with pytest.raises(ValueError, match="two changes"):
        edited("abc", [Edit("a", 0, 2, "x"), Edit("a", 1, 3, "y")])

    assert (
        edited("abc", [Edit("a", 3, 3, "1"), Edit("a", 3, 3, "2"), Edit("a", 0, 1, "")]) == "bc12"
    )


def test_a_diff_names_the_files_and_hides_secrets(folder: Folder):
    folder.write({"a.txt": f"{TOKEN_LIKE}\none"})
    fix = replace(folder, "a.txt", "one", "two")
    moved = Fix("", fix.edits, (Rename("a.txt", "b.txt"),))

    (change,) = apply(folder.path, [moved], fine)

    assert change.diff() == (
        "diff --git a/a.txt b/b.txt\nrename from a.txt\nrename to b.txt\n"
        "--- a/a.txt\n+++ b/b.txt\n@@ -1,2 +1,2 @@\n"
        f" {TOKEN_LIKE[:4]}...\n-one\n\\ No newline at end of file\n"
        "+two\n\\ No newline at end of file\n"
    )
    assert folder.read("b.txt") == f"{TOKEN_LIKE}\ntwo"
