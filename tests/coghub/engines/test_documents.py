import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coghub.domain.errors import ModelUnreadable
from coghub.engines.documents import Documents, Question, fingerprint

SDK = Path(__file__).parents[3] / "sdk"
MODEL = """
import json
print("imported", flush=True)
CHOICES = json.load(open("choices.json"))

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, text: str = Input(choices=CHOICES)) -> str:
        return text
"""


@pytest.fixture
def question(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "predict.py").write_text(MODEL)
    (project / "choices.json").write_text('["a", "b"]')
    return Question(
        command=(sys.executable, "-m", "cog.schema"),
        folder=project,
        environ={"PYTHONPATH": str(SDK)},
        predict="predict.py:Predictor",
        train=None,
        environment_key="key",
        sdk=SDK,
    )


@pytest.fixture
def documents(tmp_path):
    return Documents(tmp_path / "documents")


def choices(document):
    return document["components"]["schemas"]["text"]["enum"]


@pytest.mark.slow
def test_a_document_is_known_until_a_file_it_was_made_from_changes(documents, question):
    assert documents.find(question) is None

    asked = documents.ask(question, lambda _: None)

    assert choices(asked) == ["a", "b"]
    assert documents.find(question) == asked
    (question.folder / "output.png").write_bytes(b"not read by the model")
    assert documents.find(question) == asked
    (question.folder / "choices.json").write_text('["a", "c"]')
    assert documents.find(question) is None
    assert choices(documents.ask(question, lambda _: None)) == ["a", "c"]


@pytest.mark.slow
def test_a_model_that_cannot_be_imported_is_told_with_its_traceback(documents, question):
    (question.folder / "predict.py").write_text("import nothing_of_that_name")
    said = []

    with pytest.raises(ModelUnreadable, match="No module named 'nothing_of_that_name'") as refused:
        documents.ask(question, said.append)

    assert "package that has `nothing_of_that_name`" in refused.value.hint
    assert b'predict.py", line 1' in b"".join(said)


def test_another_environment_or_reference_is_another_question(documents, question):
    others = [
        replace(question, environment_key="other"),
        replace(question, predict="predict.py:Other"),
        replace(question, train="train.py:train"),
    ]

    assert len({it.digest for it in [question, *others]}) == 4
    assert replace(question).digest == question.digest


def test_a_damaged_file_is_as_good_as_none(documents, question):
    documents.folder.mkdir()
    for content in (b"", b"[]", b'{"sources": 1}', b"\xff"):
        (documents.folder / f"{question.digest}.json").write_bytes(content)

        assert documents.find(question) is None


def test_a_fingerprint_tells_files_apart(tmp_path):
    path = tmp_path / "file"
    seen = [fingerprint(path)]
    for content in (b"", b"a", b"b", b"x" * 2_000_000):
        path.write_bytes(content)
        seen.append(fingerprint(path))

    assert len(set(seen)) == 5


def test_a_fingerprint_of_a_folder_tells_what_is_in_it(tmp_path):
    folder = tmp_path / "styles"
    folder.mkdir()
    before = fingerprint(folder)
    (folder / "oil.json").touch()

    assert len({before, fingerprint(folder), fingerprint(tmp_path / "none")}) == 3


def test_only_documents_of_projects_and_environments_that_are_there_are_kept(tmp_path, question):
    documents = Documents(tmp_path / "documents")
    other = replace(question, environment_key="gone")
    for each in (question, other):
        documents.ask(each, print)
    (documents.folder / "0.json").write_text("{}")

    documents.prune({"key"})

    assert documents.find(question)
    assert documents.find(other) is None
    assert len(list(documents.folder.iterdir())) == 1

    question.folder.rename(tmp_path / "moved")
    documents.prune({"key"})
    assert list(documents.folder.iterdir()) == []
