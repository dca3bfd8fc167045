from pathlib import Path

from coghub.build.activation import activated


def test_the_environment_comes_first_on_every_path():
    environ = activated(
        {"PATH": "/usr/bin", "PYTHONPATH": "/mine", "PYTHONHOME": "/ours", "HOME": "/root"},
        environment=Path("/env"),
        sdk=Path("/sdk"),
    )

    assert environ == {
        "PATH": "/env/bin:/usr/bin:/sdk/cog/tools",
        "PYTHONPATH": "/sdk:/mine",
        "VIRTUAL_ENV": "/env",
        "HOME": "/root",
    }
