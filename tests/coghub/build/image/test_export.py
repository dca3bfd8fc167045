"""A layer that is read while it is written."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from coghub.build.image.export import Arriving
from coghub.build.oci import LAYER, Layout
from coghub.domain.digest import digest_of
from coghub.domain.errors import ImageInvalid

PIECE = 100_000
CONTENT = os.urandom(30 * PIECE)


@pytest.fixture
def reader():
    with ThreadPoolExecutor(1) as threads:
        yield threads


def whole(arriving):
    content = b"".join(arriving.chunks(0, arriving.size))
    return content, arriving.digest


def write(layout, reader, count):
    with layout.new_blob() as blob:
        arriving = Arriving(LAYER, len(CONTENT), blob.reader())
        read = reader.submit(whole, arriving)
        for start in range(0, count * PIECE, PIECE):
            blob.write(CONTENT[start : start + PIECE])
            arriving.add(blob.size)
        if count * PIECE == len(CONTENT):
            arriving.end(blob.digest)
    arriving.give_up()
    return read, arriving


def test_a_reader_gets_every_byte_and_the_digest(tmp_path, reader):
    read, arriving = write(Layout(tmp_path), reader, 30)

    assert read.result(10) == (CONTENT, digest_of(CONTENT))
    assert b"".join(arriving.chunks(PIECE, 3 * PIECE)) == CONTENT[PIECE : 3 * PIECE]
    arriving.file.close()


def test_a_reader_of_a_layer_that_breaks_off_does_not_wait_for_ever(tmp_path, reader):
    read, arriving = write(Layout(tmp_path), reader, 7)

    with pytest.raises(ImageInvalid, match="broke off"):
        read.result(10)
    arriving.file.close()
