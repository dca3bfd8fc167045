import io
import json

import pytest

from coghub.cli.output import Console
from coghub.cli.output_kind import OutputKind, output_kind
from coghub.cli.output_place import OutputPlace
from coghub.cli.rendering import renderer
from coghub.domain.instance_event import Completed, Output

PNG = "data:image/png;base64,eA=="
SUCCEEDED = Completed("succeeded", metrics={"predict_time": 0.5})


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Shown:
    """One rendered prediction."""

    def __init__(self, *, is_watched=False):
        self.out = Terminal() if is_watched else io.StringIO()
        self.err = io.StringIO()
        self.console = Console(self.out, self.err)

    def render(self, kind, *outputs, place=None, completed=SUCCEEDED, reports_json=False):
        place = place or OutputPlace()
        shown = renderer(self.console, kind, place, reports_json=reports_json)
        for output in outputs:
            shown.receive(output)
        shown.complete(completed)
        return self


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(output, **components):
    return {"components": {"schemas": {"Output": output, **components}}}


def test_an_empty_list_of_files_is_told(folder):
    shown = Shown().render(OutputKind.FILES, completed=Completed("succeeded", is_list=True))

    assert (shown.out.getvalue(), list(folder.iterdir())) == ("", [])
    assert shown.err.getvalue() == "warning: No output generated\n"


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, OutputKind.TEXT),
        ({"type": "string", "format": "uri"}, OutputKind.FILE),
        ({"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]}, OutputKind.FILE),
        ({"type": "array", "items": {"type": "string", "format": "uri"}}, OutputKind.FILES),
        (
            {"type": "array", "items": {"type": "string"}, "x-cog-array-display": "concatenate"},
            OutputKind.TOKENS,
        ),
        ({"type": "array", "items": {"type": "string"}}, OutputKind.JSON),
        ({"$ref": "#/components/schemas/Out"}, OutputKind.JSON),
        ({"$ref": "#/components/schemas/Output"}, OutputKind.JSON),
        ({}, OutputKind.JSON),
    ],
)
def test_the_schema_says_what_kind_of_output_to_expect(schema, kind):
    assert output_kind(document(schema, Out={"type": "object"}), "predict") is kind


def test_text_goes_to_stdout_with_a_newline():
    assert Shown().render(OutputKind.TEXT, Output("hello <you>", None)).out.getvalue() == (
        "hello <you>\n"
    )


def test_other_values_go_to_stdout_as_json():
    shown = Shown().render(OutputKind.JSON, Output({"b": 1.0, "a": [True]}, None))

    assert shown.out.getvalue() == '{\n  "a": [\n    true\n  ],\n  "b": 1\n}\n'


def test_an_output_of_another_type_than_promised_is_shown_as_json():
    assert Shown().render(OutputKind.TEXT, Output(5, None)).out.getvalue() == "5\n"
    assert Shown().render(OutputKind.FILE, Output({"a": 1}, None)).out.getvalue() == (
        '{\n  "a": 1\n}\n'
    )


def test_a_file_is_written_and_named_on_stderr(folder):
    shown = Shown().render(OutputKind.FILE, Output(PNG, None))

    assert (folder / "output.png").read_bytes() == b"x"
    assert shown.out.getvalue() == ""
    assert shown.err.getvalue() == "Written output to: output.png\n"


def test_files_are_written_as_they_come(folder):
    console = Shown()
    shown = renderer(console.console, OutputKind.FILES, OutputPlace(), reports_json=False)

    shown.receive(Output(PNG, 0))

    assert (folder / "output.0.png").exists()
    shown.receive(Output("data:image/jpeg;base64,eA==", 1))
    shown.complete(SUCCEEDED)
    assert console.err.getvalue() == (
        "Written output to: output.0.png\nWritten output to: output.1.jpg\n"
    )


def test_a_whole_list_of_files_is_numbered(folder):
    Shown().render(OutputKind.FILES, Output([PNG, PNG], None), place=OutputPlace("cat.gif"))

    assert sorted(path.name for path in folder.iterdir()) == ["cat.0.gif", "cat.1.gif"]


def test_an_existing_file_is_replaced(folder):
    (folder / "output.png").write_bytes(b"much longer than before")

    Shown().render(OutputKind.FILE, Output(PNG, None))

    assert (folder / "output.png").read_bytes() == b"x"


def test_text_and_json_may_go_to_a_file(folder):
    Shown().render(OutputKind.TEXT, Output("hello", None), place=OutputPlace("text"))
    Shown().render(OutputKind.JSON, Output([1], None), place=OutputPlace("list.json"))

    assert (folder / "text").read_text() == "hello"
    assert json.loads((folder / "list.json").read_text()) == [1]


def test_no_output_is_a_warning():
    shown = Shown().render(OutputKind.TEXT, Output(None, None))

    assert (shown.out.getvalue(), shown.err.getvalue()) == ("", "warning: No output generated\n")


def test_an_empty_list_is_an_output():
    shown = Shown().render(OutputKind.JSON, completed=Completed("succeeded", is_list=True))

    assert shown.out.getvalue() == "[]\n"


def test_a_script_gets_tokens_as_a_json_list():
    shown = Shown().render(OutputKind.TOKENS, Output("a", 0), Output("b", 1))

    assert shown.out.getvalue() == '[\n  "a",\n  "b"\n]\n'


def test_a_person_sees_tokens_as_growing_text():
    shown = Shown(is_watched=True).render(OutputKind.TOKENS, Output("a", 0), Output(" b", 1))

    assert shown.out.getvalue() == "a b\n"


def test_a_person_sees_other_items_as_a_growing_list():
    """What is on the screen in the end is the very text that a script gets."""
    items = [Output({"a": 1}, 0), Output("b", 1)]

    watched = Shown(is_watched=True).render(OutputKind.JSON, *items).out.getvalue()

    assert watched == Shown().render(OutputKind.JSON, *items).out.getvalue()


def test_a_person_sees_a_whole_value_as_json():
    shown = Shown(is_watched=True).render(OutputKind.JSON, Output({"a": 1}, None))

    assert shown.out.getvalue() == '{\n  "a": 1\n}\n'


def test_a_report_names_the_files_it_wrote(folder):
    shown = Shown().render(OutputKind.FILE, Output(PNG, None), reports_json=True)

    assert shown.out.getvalue() == (
        '{\n  "status": "succeeded",\n  "output": "output.png",\n  "error": "",\n'
        '  "metrics": {\n    "predict_time": 0.5\n  }\n}\n'
    )
    assert (folder / "output.png").read_bytes() == b"x"


def test_a_report_tells_of_failure():
    failed = Completed("failed", error="boom")

    shown = Shown().render(
        OutputKind.JSON, Output("partial", 0), completed=failed, reports_json=True
    )

    assert json.loads(shown.out.getvalue()) == {"status": "failed", "output": None, "error": "boom"}


def test_a_report_may_go_to_a_file_with_its_files_beside_it(folder):
    Shown().render(
        OutputKind.FILES, Output([PNG], None), place=OutputPlace("r.json"), reports_json=True
    )

    assert json.loads((folder / "r.json").read_text())["output"] == ["r.0.png"]


def test_a_report_without_the_json_suffix_is_remarked_upon(folder):
    shown = Shown().render(
        OutputKind.JSON, Output(1, None), place=OutputPlace("report"), reports_json=True
    )

    assert "--output value does not have a .json suffix: report" in shown.err.getvalue()
    assert json.loads((folder / "report").read_text())["output"] == 1
