"""Files written whole, measured, and what a full disk says."""

import errno
from pathlib import Path

import pytest

from coghub.build.files import explained, remove, size_of, write_atomically
from coghub.domain.errors import DiskFull


def test_a_file_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"

    write_atomically(path, "one")
    write_atomically(path, b"two")

    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        write_atomically(path, "one")

    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_the_place(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull, match=str(tmp_path)), explained(tmp_path):
        raise OSError(number, "full")


def test_other_faults_are_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), explained(tmp_path):
        raise PermissionError(errno.EACCES, "no")


def test_links_are_not_followed_when_sizes_are_summed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ten").write_bytes(b"x" * 10)
    (tmp_path / "b").symlink_to("a")

    assert size_of(tmp_path) == 10 + (tmp_path / "b").lstat().st_size


def test_removing_what_is_gone_is_fine(tmp_path: Path) -> None:
    remove(tmp_path / "nothing")
