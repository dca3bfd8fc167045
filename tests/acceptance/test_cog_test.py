"""`cog test` on examples, and between a project and what a hub has of it."""

import re

import pytest

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("name", "count"), [("hello-world", 2), ("resize", 3)])
def test_the_tests_of_an_example_pass(example, name, count):
    run = example(name)("test")

    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith(f"\n{count} passed\n")


def test_an_image_that_is_another_is_found(example):
    cog = example("resize")
    code = cog.folder / "predict.py"
    code.write_text(code.read_text().replace("LANCZOS", "NEAREST"))

    run = cog("test", "-k", "smaller")

    assert run.returncode == 1
    assert re.search(r"the image differs by 0\.0\d+, and 0\.005 is allowed", run.stdout)
    assert "| Resizing 451x300 to 113x75" in run.stderr


def test_a_push_may_depend_on_the_tests_and_a_version_be_compared(start_hub, example, tmp_path):
    """What fails is not pushed; what was pushed is what the next change is held against."""
    hub = start_hub(tmp_path / "hub")
    author = {"DOCKER_CONFIG": str(tmp_path / "docker"), "COG_DATA_DIR": str(tmp_path / "author")}
    cog = example("hello-world")
    login = cog("login", "--token-stdin", hub.address, stdin=hub.token, **author)
    assert login.returncode == 0, login.stderr
    model = f"{hub.administrator}/hello"
    code = cog.folder / "predict.py"
    source = code.read_text()

    code.write_text(source.replace('"hello"', '"good morning"'))
    stopped = cog("push", "--test", model, **author)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert "✗ greets" in stopped.stderr
    assert "error: 1 of 2 did not pass" in stopped.stderr

    code.write_text(source)
    pushed = cog("push", "--test", model, **author)
    assert pushed.returncode == 0, pushed.stderr
    [version] = re.findall(r"sha256:([0-9a-f]{64})", pushed.stdout)
    assert pushed.stdout.count("\n") == 1
    assert hub.get(f"/v1/models/{model}")["latest_version"]["id"] == version

    code.write_text(source.replace('"hello"', '"good morning"').replace("text: str", "name: str"))
    tests = cog.folder / "cog.test.yaml"
    tests.write_text("tests:\n- inputs: {name: world}\n")
    for name in (f"{model}:{version}", model):
        compared = cog("test", "--against", name, **author)
        assert compared.returncode == 1
        assert f"✗ schema, against {name}\n    input `text` was removed\n" in compared.stdout
        assert f"✗ test 1, against {name}\n    there the input was refused" in compared.stdout


def test_a_model_in_a_container_is_tested_alike(example, docker_engine):
    """Also when it dies: the next test has another container."""
    cog = example("hello-world")
    code = cog.folder / "predict.py"
    dying = 'if text == "die":\n            import os\n\n            os._exit(3)\n        return f"'
    code.write_text(code.read_text().replace('return f"', dying))
    tests = cog.folder / "cog.test.yaml"
    tests.write_text(
        f"{tests.read_text()}\n  - {{name: dies, inputs: {{text: die}}}}\n  - inputs: {{text: a}}\n"
    )

    run = cog("test", **docker_engine.environ)

    assert run.returncode == 1
    report = re.sub(r" \([0-9.]+ s\)", "", run.stdout).splitlines()
    assert report[:3] == ["✓ greets", "✓ wants somebody to greet", "✗ dies"], run.stderr
    assert "the model died" in report[3]
    assert report[4:] == ["✓ test 4", "3 passed, 1 failed"]
    assert docker_engine.left_behind() == []
