import pytest

from coghub.domain.errors import DockerUnreachable
from coghub.engines.choice import engine_of
from coghub.settings import read_settings


@pytest.mark.parametrize(
    ("engine", "chosen"),
    [("local", "local"), ("auto", "local"), ("", "local"), ("docker", "docker")],
)
def test_docker_is_chosen_by_name_or_where_an_engine_answers(engine, chosen, tmp_path):
    host = f"unix://{tmp_path}/none.sock"
    environ = {"COG_ENGINE": engine, "DOCKER_HOST": host, "PATH": "/usr/local/bin:/usr/bin"}

    assert engine_of(read_settings({**environ, "HOME": str(tmp_path)})).name == chosen


def test_docker_that_does_not_answer_is_told_and_not_silently_replaced(tmp_path):
    environ = {"COG_ENGINE": "docker", "PATH": str(tmp_path), "HOME": str(tmp_path)}

    with pytest.raises(DockerUnreachable) as refused:
        engine_of(read_settings(environ)).check()

    assert refused.value.message == "No `docker` command on this machine"
    assert refused.value.hint is not None
    assert "COG_ENGINE=local" in refused.value.hint


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_where_an_engine_answers_it_is_the_default(docker_engine, tmp_path):
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    environ = {**own, **docker_engine.environ, "COG_ENGINE": "auto"}

    assert engine_of(read_settings(environ)).name == "docker"
