import io
import json

import pytest

from coghub.cli.nested_files import files_written
from coghub.cli.output import Console
from coghub.cli.output_kind import OutputKind
from coghub.cli.output_place import OutputPlace
from coghub.cli.rendering import renderer
from coghub.domain.instance_event import Completed, Output

PNG = "data:image/png;base64,eA=="
VALUE = {"text": "x", "image": PNG, "pages": [{"image": PNG}, {"image": None}]}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(value, *, out, place=None, reports_json=False, index=None):
    """Return what was printed about a prediction with this output."""
    console = Console(out, io.StringIO())
    rendering = renderer(
        console, OutputKind.JSON, place or OutputPlace(), reports_json=reports_json
    )
    rendering.receive(Output(value, index))
    rendering.complete(Completed("succeeded"))
    return out.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_file_is_written_under_its_place_in_the_value():
    written = []

    value = files_written(VALUE, lambda url, label: written.append((url, label)) or label)

    assert written == [(PNG, "image"), (PNG, "pages.0.image")]
    assert value == {
        "text": "x",
        "image": "image",
        "pages": [{"image": "pages.0.image"}, {"image": None}],
    }


@pytest.mark.parametrize("key", ["../../etc", "a/b", "", "\0"])
def test_a_label_is_fit_for_a_file_name(key):
    labels = files_written({key: PNG}, lambda _url, label: label)

    assert "/" not in labels[key]
    assert "\0" not in labels[key]
    assert ".." not in labels[key]


def test_a_text_that_is_no_file_stays():
    value = {"a": "data: none", "b": "data:text/plain,x", "c": "see data:image/png;base64,eA=="}

    assert files_written(value, lambda _url, _label: "written") == value


def test_the_answer_of_json_names_the_files(folder):
    report = json.loads(shown({"image": PNG}, out=io.StringIO(), reports_json=True))

    assert report["output"] == {"image": "output.image.png"}
    assert (folder / "output.image.png").read_bytes() == b"x"


def test_files_lie_beside_the_json_that_names_them(folder):
    shown({"image": PNG}, out=io.StringIO(), place=OutputPlace("result.json"), reports_json=True)

    assert json.loads((folder / "result.json").read_text())["output"]["image"] == "result.image.png"
    assert (folder / "result.image.png").exists()


def test_a_person_gets_files_and_a_script_gets_everything_in_one(folder):
    watched = json.loads(shown({"image": PNG}, out=Terminal()))
    piped = json.loads(shown({"image": PNG}, out=io.StringIO()))

    assert watched == {"image": "output.image.png"}
    assert piped == {"image": PNG}
    assert (folder / "output.image.png").exists()


def test_files_in_items_that_come_one_by_one_are_numbered(folder):
    assert json.loads(shown({"image": PNG}, out=Terminal(), index=3)) == [
        {"image": "output.3.image.png"}
    ]
    assert (folder / "output.3.image.png").exists()
