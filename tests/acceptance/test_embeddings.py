"""The example of batches, with its real model: by command, and by many clients at once."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.acceptance.conftest import Person, Served

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

TEXTS = [
    f"Sentence number {number} is about {'cats' if number % 2 else 'cars'}." for number in range(24)
]


@pytest.fixture(scope="module")
def project(example, torch_environ) -> Person:
    person = Person(example("embeddings").folder, torch_environ)
    done = person("predict", "-i", "text=warm")
    if "No interpreter" in done.stderr:
        pytest.skip("no Python 3.11 for the model")
    assert done.returncode == 0, done.stderr
    return person


@pytest.fixture(scope="module")
def served(project) -> Iterator[Served]:
    serving = project.serve()
    yield serving
    serving.stop()


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def embedded(served: Served, *texts: str) -> list[list[float]]:
    """Ask for each at the same time."""
    with ThreadPoolExecutor(len(texts)) as clients:
        answers = list(clients.map(lambda text: served.predict(text=text), texts))
    assert {answer["status"] for answer in answers} == {"succeeded"}, answers
    return [answer["output"] for answer in answers]


def test_the_command_prints_a_vector(project) -> None:
    done = project("predict", "-i", "text=a cat on a mat")

    vector = json.loads(done.stdout)

    assert len(vector) == 384
    assert math.isclose(likeness(vector, vector), 1, abs_tol=1e-4)


def test_texts_that_mean_alike_point_alike(served) -> None:
    cat, kitten, engine = embedded(served, "a cat", "a kitten", "a diesel engine")

    assert likeness(cat, kitten) > 0.6 > likeness(cat, engine)


def test_many_at_once_get_what_each_gets_alone(served) -> None:
    together = embedded(served, *TEXTS)
    alone = [embedded(served, text)[0] for text in TEXTS]

    assert min(map(likeness, together, alone)) > 0.999


def test_the_schema_is_that_of_one_text(served) -> None:
    schemas = served.request("GET", "/openapi.json").json["components"]["schemas"]

    assert list(schemas["Input"]["properties"]) == ["text"]
    assert schemas["Output"]["items"] == {"type": "number"}
