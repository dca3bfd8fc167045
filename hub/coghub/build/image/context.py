"""The files that the build of an environment image needs: a small folder, made for one build."""

import hashlib
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from coghub.build.image.recipe import BUILD, LINKS, LOCAL, Recipe
from coghub.build.index import IndexSettings
from coghub.build.pip_settings import PipSettings, uv_environ
from coghub.build.requirements import SDK_OVERRIDES
from coghub.domain.errors import SettingInvalid

ONLY_HERE = frozenset({"SSL_CERT_FILE", "SSL_CLIENT_CERT", "UV_KEYRING_PROVIDER"})
"""Settings that name something of this machine, which no build can see."""
ALWAYS = {"UV_SYSTEM_CERTS": "1", "UV_LINK_MODE": "copy", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
_CODE = shutil.ignore_patterns("__pycache__", "*.pyc")
_NO_SOURCES = shutil.ignore_patterns("__pycache__", ".git", ".venv", ".env", ".cog", "node_modules")
"""Of a package in a folder, which may be the project itself."""


def write_context(
    folder: Path, recipe: Recipe, *, project: Path, sdk: Path, certificate: bytes | None
) -> str:
    """Write the files and return a digest of them all.

    Args:
        folder: empty, or not there.
        recipe: what is built.
        project: where local packages and folders of wheels lie.
        sdk: the folder with the package `cog`.
        certificate: that the build shall trust.
    """
    packages, server = folder / "packages", folder / "server"
    packages.mkdir(parents=True)
    server.mkdir()
    _write(packages / "index.sh", _script(_index_environ(recipe.index)))
    _write(packages / "requirements.txt", recipe.requirements)
    _write(packages / "constraints.txt", recipe.constraints)
    _write(packages / "overrides.txt", SDK_OVERRIDES)
    _write(server / "index.sh", _script({}))
    _write(server / "server.txt", recipe.server_packages)
    shutil.copytree(sdk / "cog", folder / "sdk" / "cog", ignore=_CODE)
    for path in recipe.local_packages:
        _copy(project / path, packages / LOCAL / path)
    for link in recipe.index.find_links:
        below = link.partition(f"/{LINKS}/")[2] if link.startswith(f"{BUILD}/") else ""
        if below:
            _copy(project / below, packages / LINKS / below)
    if certificate is not None:
        (folder / "ca.crt").write_bytes(certificate)
    return _digest(folder)


def host_settings(index: IndexSettings, pip: PipSettings, environ: Mapping[str, str]) -> str:
    """Return a script with what this machine's settings of pip and uv say of indexes; "" if none.

    Those of the project are in it too, as one list is the whole list. Folders of this machine are
    left out.
    """
    uv = {
        name: value
        for name, value in uv_environ(index, _web_only(pip), _web_environ(environ)).items()
        if name not in ONLY_HERE and not name.startswith("HTTP")
    }
    if uv == _own_environ(index):
        return ""
    pip_names = {"UV_DEFAULT_INDEX": "PIP_INDEX_URL", "UV_INDEX": "PIP_EXTRA_INDEX_URL"}
    pip_names["UV_INSECURE_HOST"] = "PIP_TRUSTED_HOST"
    also = {pip_names[name]: value for name, value in uv.items() if name in pip_names}
    return "".join(f"{line}\n" for line in _script({**uv, **also}))


def require_no_password(script: str) -> None:
    """Do nothing if a script may stay in an image.

    Raises:
        SettingInvalid: if an address in it holds a password.
    """
    if any("@" in word.partition("://")[2].partition("/")[0] for word in script.split()):
        raise SettingInvalid(
            "The package index has a password, which the classic builder would leave in the image",
            hint="Install Docker's buildx plugin: BuildKit keeps it out",
        )


def _own_environ(index: IndexSettings) -> dict[str, str]:
    return uv_environ(index, PipSettings(), {})


def _index_environ(index: IndexSettings) -> dict[str, str]:
    return {**ALWAYS, **_own_environ(index)}


def _script(environ: Mapping[str, str]) -> list[str]:
    wanted = {**ALWAYS, **environ}
    return [f"export {name}={shlex.quote(value)}" for name, value in sorted(wanted.items())]


def _web_only(pip: PipSettings) -> PipSettings:
    index = pip.index
    return PipSettings(
        index=IndexSettings(
            index_url=_web(index.index_url),
            extra_index_urls=tuple(url for url in index.extra_index_urls if _web(url)),
            find_links=tuple(url for url in index.find_links if _web(url)),
            trusted_hosts=index.trusted_hosts,
            pre=index.pre,
        ),
        timeout_s=pip.timeout_s,
    )


def _web_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's own variables, without folders of this machine."""
    kept = dict[str, str]()
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        words = [word for word in environ.get(name, "").split() if _web(word.rpartition("=")[2])]
        kept[name] = " ".join(words)
    return {name: value for name, value in kept.items() if value}


def _web(url: str | None) -> str | None:
    return url if url and url.startswith(("http://", "https://")) else None


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NO_SOURCES, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def _digest(folder: Path) -> str:
    summary = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            summary.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return summary.hexdigest()
