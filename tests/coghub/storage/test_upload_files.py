"""Files of uploads: how far they are, and the sum of what is in them."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.domain.digest import digest_of
from coghub.domain.errors import DiskFull
from coghub.storage.upload_files import MAX_PARTS, UploadFile, UploadFiles


@pytest.fixture
def files(tmp_path):
    return UploadFiles(tmp_path)


def appended(files, *chunks):
    file = files.open("one")
    file.append(chunks)
    files.close("one", file)
    return file


def test_a_file_grows_and_is_summed_up(files):
    files.create("one")

    appended(files, b"01", b"", b"234")
    file = appended(files, b"56")

    assert files.size("one") == file.size == 7
    assert file.digest == digest_of(b"0123456")


def test_many_small_chunks_are_written(files):
    files.create("one")

    file = appended(files, *[b"x"] * (2 * MAX_PARTS + 1))

    assert files.size("one") == file.size == 2 * MAX_PARTS + 1


def test_the_sum_is_made_anew_where_the_file_is_another_than_was_closed(files):
    files.create("one")
    appended(files, b"01234")
    os.truncate(files.path_of("one"), 2)

    assert appended(files, b"x").digest == digest_of(b"01x")


def test_the_sum_is_made_anew_by_another_process(files, tmp_path):
    files.create("one")
    appended(files, b"01234")

    assert appended(UploadFiles(tmp_path), b"5").digest == digest_of(b"012345")


def test_a_chunk_is_taken_back(files):
    files.create("one")
    file = files.open("one")
    file.append([b"01"])
    size, summed = file.size, file.summed.copy()
    file.append([b"234"])

    file.cut(size, summed)
    file.append([b"x"])
    files.close("one", file)

    assert files.path_of("one").read_bytes() == b"01x"
    assert file.digest == digest_of(b"01x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told():
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(DiskFull):
            UploadFile(descriptor, 0, hashlib.sha256()).append([b"x"])
    finally:
        os.close(descriptor)


def test_a_file_that_is_not_there(files):
    files.remove("one")

    with pytest.raises(FileNotFoundError):
        files.size("one")
    with pytest.raises(FileNotFoundError):
        files.open("one")


@given(chunks=st.lists(st.binary(max_size=50), max_size=20))
def test_any_chunks_are_written_in_order(tmp_path_factory, chunks):
    files = UploadFiles(tmp_path_factory.mktemp("uploads"))
    files.create("one")

    file = appended(files, *chunks)

    content = b"".join(chunks)
    assert files.path_of("one").read_bytes() == content
    assert file.digest == digest_of(content)
