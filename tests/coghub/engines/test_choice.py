import pytest

from coghub.domain.errors import SettingInvalid
from coghub.engines.choice import engine_of
from coghub.engines.local import LocalEngine
from coghub.settings import read_settings


@pytest.mark.parametrize("environ", [{}, {"COG_ENGINE": "local"}, {"COG_ENGINE": "auto"}])
def test_projects_run_on_this_machine_itself(environ):
    assert isinstance(engine_of(read_settings(environ)), LocalEngine)


def test_docker_is_refused_and_not_silently_replaced():
    with pytest.raises(SettingInvalid) as refused:
        engine_of(read_settings({"COG_ENGINE": "docker"}))

    assert refused.value.hint == "Run on this machine itself with `COG_ENGINE=local`"
