from pathlib import Path

import pytest

from coghub.cli.output_place import OutputPlace
from coghub.domain.errors import UsageError


@pytest.mark.parametrize(
    ("wanted", "single", "second"),
    [
        (None, "output.png", "output.1.png"),
        ("cat", "cat.png", "cat.1.png"),
        ("cat.jpg", "cat.jpg", "cat.1.jpg"),
        ("cat.7", "cat.7.png", "cat.7.1.png"),
        ("@cat.jpg", "cat.jpg", "cat.1.jpg"),
        ("sub/cat", "sub/cat.png", "sub/cat.1.png"),
    ],
)
def test_a_file_is_named_after_the_wish_and_its_type(wanted, single, second):
    place = OutputPlace(wanted)

    assert place.single(".png") == Path(single)
    assert place.numbered(1, ".png") == Path(second)


def test_a_folder_that_exists_gets_the_default_name(tmp_path):
    assert OutputPlace(str(tmp_path)).single(".png") == tmp_path / "output.png"
    assert OutputPlace(str(tmp_path), "weights").single("") == tmp_path / "weights"


def test_a_folder_in_the_way_of_the_default_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "output").mkdir()

    with pytest.raises(UsageError) as refused:
        OutputPlace().check(writes_files=True)

    assert refused.value.message == (
        'Default output name "output" conflicts with directory, provide --output'
    )
    OutputPlace().check(writes_files=False)


@pytest.mark.parametrize("wanted", ["missing/cat.png", "file/cat.png"])
def test_a_place_that_cannot_be_written_is_refused_in_time(tmp_path, monkeypatch, wanted):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(UsageError, match=rf"^Output path is not writable: {wanted}$"):
        OutputPlace(wanted).check(writes_files=True)


def test_a_good_place_is_let_through(tmp_path):
    OutputPlace(str(tmp_path / "new.png")).check(writes_files=True)
    OutputPlace(str(tmp_path)).check(writes_files=True)


def test_files_beside_a_json_report_share_its_stem():
    assert OutputPlace("a/report.json").beside_json().single(".png") == Path("a/report.png")
    assert OutputPlace("report").beside_json().single(".png") == Path("report.png")
    assert OutputPlace().beside_json().numbered(0, ".png") == Path("output.0.png")
