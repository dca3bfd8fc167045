"""A plan and a machine's settings become one value."""

import re
from dataclasses import replace

import pytest

from coghub.build.accelerator.choice import Accelerator
from coghub.build.image.recipe import recipe_of, server_packages
from coghub.build.index import IndexSettings
from coghub.domain.errors import ConfigInvalid

SLIM = "python:3.11-slim"


def accelerator(*requirements: str, urls: tuple[str, ...] = (), **others) -> Accelerator:
    return Accelerator(SLIM, requirements=requirements, extra_index_urls=urls, **others)


def test_a_setting_names_another_base_image(plan, settings):
    chosen = accelerator(python_image="python:3.11-slim-bookworm")

    assert recipe_of(plan, chosen, settings).base_image == SLIM
    recipe = recipe_of(plan, chosen, replace(settings, base_image="own/python:1"))
    assert (recipe.base_image, recipe.python_image) == ("own/python:1", None)


@pytest.mark.parametrize(
    ("setting", "urls"),
    [
        (None, ("https://download.pytorch.org/whl/cu124/",)),
        ("http://mirror/torch", ("http://mirror/torch/cu124/",)),
        ("none", ()),
    ],
)
def test_the_index_of_torch_may_be_elsewhere(plan, settings, setting, urls):
    chosen = accelerator("torch==2.4.1", urls=("https://download.pytorch.org/whl/cu124/",))

    recipe = recipe_of(plan, chosen, replace(settings, torch_index=setting))

    assert recipe.index.extra_index_urls == urls


@pytest.mark.parametrize(
    "line", ["git+https://example.com/a.git", "a @ git+ssh://example.com/a", "-e git+https://a/b"]
)
def test_git_is_there_where_a_requirement_comes_by_it(plan, settings, line):
    wanted = replace(plan, requirements=(line,), system_packages=("ffmpeg",))

    recipe = recipe_of(wanted, accelerator(line), settings)

    assert recipe.system_packages == ("ffmpeg", "git")


def test_git_is_not_installed_for_nothing(plan, settings):
    recipe = recipe_of(plan, accelerator("digit==1", "b @ https://example.com/git/b.whl"), settings)

    assert recipe.system_packages == ()


def test_packages_of_the_project_lie_where_the_build_has_them(plan, settings):
    chosen = accelerator(
        "./wheels/a_b-1-py3-none-any.whl ; python_version > '3'", "./folder", "./folder[extra]"
    )
    index = IndexSettings(find_links=("wheels", "https://example.com/links"))

    recipe = recipe_of(replace(plan, index=index), chosen, settings)

    assert recipe.requirements == (
        "a-b @ file:///mnt/local/wheels/a_b-1-py3-none-any.whl ; python_version > '3'",
        "/mnt/local/folder",
        "/mnt/local/folder[extra]",
    )
    assert recipe.index.find_links == ("/mnt/wheels/wheels", "https://example.com/links")


def test_a_lock_and_hashes_hold_what_is_installed(plan, settings):
    locked = replace(plan, constraints=("b<2",), lock=("a==1 --hash=sha256:1",))

    recipe = recipe_of(locked, accelerator("c==1 --hash=sha256:2", "a"), settings)

    assert recipe.constraints == ("b<2", "a==1 --hash=sha256:1", "c==1 --hash=sha256:2")


@pytest.mark.parametrize("value", ["a\nb", "a\0b"])
def test_a_variable_of_several_lines_is_refused(plan, settings, value):
    with pytest.raises(ConfigInvalid, match='"GREETING" has several lines'):
        recipe_of(replace(plan, environment={"GREETING": value}), accelerator(), settings)


def test_the_server_brings_what_the_sdk_says():
    packages = server_packages()

    assert packages
    assert all(re.match(r"[a-z0-9]", line) and "extra" not in line for line in packages)
