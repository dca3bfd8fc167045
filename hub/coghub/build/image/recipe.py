"""What an environment image is made of, as one frozen value: a plan for one kind of machine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, requires, version

from coghub.build.accelerator.choice import WHEELS, Accelerator
from coghub.build.cog_yaml import Command
from coghub.build.index import NO_INDEX_SETTINGS, IndexSettings
from coghub.build.local_packages import split
from coghub.build.plan import Plan
from coghub.build.requirement_lines import name_of
from coghub.domain.errors import ConfigInvalid
from coghub.settings import Settings

SERVER_EXTRA = re.compile(r"\s*;?\s*(and\s+)?extra\s*==\s*['\"]server['\"]\s*$")
BUILD, UV, CACHE = "/mnt", "/media", "/srv"
"""Where the files of the build, the installer and its cache are while something is installed.

They are there in every Debian and Ubuntu, and empty: a mount leaves no folder behind in the image.
"""
LOCAL, LINKS = "local", "wheels"
"""Folders below it: packages of the project, and folders of wheels."""
GIT = re.compile(r"(^|\s|@\s*)git\+")
UV_FALLBACK = "uv"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that the text of a Dockerfile says; nothing of it depends on the builder."""

    base_image: str
    python_image: str | None = None
    """Whose `/usr/local` is copied into a base that has no Python."""
    is_gpu: bool = False
    apt_mirror: str | None = None
    has_certificate: bool = False
    uv: str = UV_FALLBACK
    """The requirement that brings the installer; it does not stay."""
    server_packages: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    if_missing: tuple[str, ...] = ()
    local_packages: tuple[str, ...] = ()
    """Paths below the project."""
    index: IndexSettings = NO_INDEX_SETTINGS
    run: tuple[Command, ...] = ()
    predict: str | None = None
    train: str | None = None
    max_concurrency: int | None = None


def recipe_of(plan: Plan, accelerator: Accelerator, settings: Settings) -> Recipe:
    """Return the recipe of a plan.

    Raises:
        ConfigInvalid: if a variable has a value that no image can have.
    """
    _require_lines(plan.environment)
    urls = _torch_indexes(accelerator.extra_index_urls, settings.torch_index)
    index = plan.index.over(IndexSettings(extra_index_urls=urls))
    hashed = [line for line in accelerator.requirements if "--hash=" in line]
    return Recipe(
        base_image=settings.base_image or accelerator.base_image,
        python_image=None if settings.base_image else accelerator.python_image,
        is_gpu=plan.gpu,
        apt_mirror=settings.apt_mirror,
        has_certificate=settings.ca_certificate is not None,
        uv=_uv(),
        server_packages=server_packages(),
        system_packages=_system_packages(plan, accelerator),
        environment=plan.environment,
        requirements=tuple(_inside(line) for line in accelerator.requirements),
        constraints=(*plan.constraints, *plan.lock, *hashed),
        if_missing=plan.if_missing,
        local_packages=tuple(plan.local_packages),
        index=replace(index, find_links=tuple(_link_inside(link) for link in index.find_links)),
        run=plan.run,
        predict=plan.predict,
        train=plan.train,
        max_concurrency=plan.max_concurrency,
    )


def server_packages() -> tuple[str, ...]:
    """Return what the server in an image needs beside the SDK: the SDK's own extra `server`."""
    wanted = requires("coghub-sdk") or []
    return tuple(SERVER_EXTRA.sub("", line).strip() for line in wanted if "server" in line)


def _uv() -> str:
    """Return uv at the version that this command uses."""
    try:
        return f"uv=={version('uv')}"
    except PackageNotFoundError:
        return UV_FALLBACK


def _system_packages(plan: Plan, accelerator: Accelerator) -> tuple[str, ...]:
    """Return what cog.yaml lists, and git where a requirement is fetched by it."""
    wants_git = any(GIT.search(line) for line in plan.requirements)
    if not wants_git or accelerator.python_image or "git" in plan.system_packages:
        return plan.system_packages
    return (*plan.system_packages, "git")


def _torch_indexes(urls: tuple[str, ...], other: str | None) -> tuple[str, ...]:
    if other is None:
        return urls
    return () if other == "none" else tuple(url.replace(WHEELS, other, 1) for url in urls)


def _inside(line: str) -> str:
    """Return a requirement with a local path as it is inside of the build."""
    if not line.startswith("./"):
        return line
    path, rest = split(line)
    rest = f" {rest}" if rest.startswith(";") else rest  # or it would belong to the URL
    placed = f"{BUILD}/{LOCAL}/{path.removeprefix('./')}"
    name = name_of(line)
    return f"{name} @ file://{placed}{rest}" if name and not rest.startswith("[") else placed + rest


def _link_inside(link: str) -> str:
    return link if "://" in link or link.startswith("/") else f"{BUILD}/{LINKS}/{link}"


def _require_lines(environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if "\n" in value or "\0" in value:
            raise ConfigInvalid(
                f'invalid environment: environment variable "{name}" has several lines,'
                " which no image can have"
            )
