import pytest

from coghub.build.plan import Plan
from coghub.domain.errors import UsageError
from coghub.engines import local_environ
from coghub.engines.base import Launch

PLAN = Plan("3.12", predict="predict.py:Predictor", environment={"LEVEL": "plan", "A": "1"})


def test_a_model_is_told_what_it_is():
    environ = local_environ.of_model(
        Plan("3.12", predict="p.py:P", train="t.py:t", max_concurrency=4),
        Launch(),
        server_python="/python",
        log_level="warning",
    )

    assert environ == {
        "COG_PREDICT_TYPE_STUB": "p.py:P",
        "COG_TRAIN_TYPE_STUB": "t.py:t",
        "COG_SERVER_PYTHON": "/python",
        "COG_MAX_CONCURRENCY": "4",
        "LOG_FORMAT": "console",
        "COG_LOG_LEVEL": "warning",
        "PYTHONUNBUFFERED": "1",
    }


def test_the_command_line_wins_over_cog_yaml():
    launch = Launch(environment={"LEVEL": "flag", "COG_LOG_LEVEL": "error"}, is_debug=True)

    environ = local_environ.of_model(PLAN, launch, server_python="/python", log_level="warning")

    assert (environ["LEVEL"], environ["A"]) == ("flag", "1")
    assert environ["COG_LOG_LEVEL"] == "error"


def test_what_is_unknown_is_not_set():
    environ = local_environ.of_model(PLAN, Launch(), server_python="/p", log_level="info")

    assert "COG_TRAIN_TYPE_STUB" not in environ
    assert "COG_MAX_CONCURRENCY" not in environ


@pytest.mark.parametrize(
    ("wanted", "visible"),
    [(None, None), ("all", None), ("0", ""), ("2", "0,1"), ("device=1,3", "1,3"),
     ('"device=1"', "1")],
)  # fmt: skip
def test_gpus_are_chosen_as_for_docker(wanted, visible):
    assert local_environ.of_gpus(wanted).get("CUDA_VISIBLE_DEVICES") == visible


def test_what_names_no_gpus_is_refused():
    with pytest.raises(UsageError, match="--gpus is none of"):
        local_environ.of_gpus("many")
