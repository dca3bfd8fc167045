"""The text of an environment image's Dockerfile: equal recipes give equal text.

The stages, so that each change makes as little as possible anew:

1. `base`: what the base image lacks: certificate, mirror, Python.
2. `server`: the server and the SDK in /opt/cog; the same for every project on a base image.
   `tini` likewise, where no system packages are wanted: apt and uv then work side by side.
3. The image: system packages, Python packages, `/opt/cog`, the commands of `build.run`.

With BuildKit the installer and the files of the build are mounted for the length of a command.
The classic builder cannot mount: there the installer comes and goes inside each command, and what
was copied for it is removed. What stays is the same.
"""

import hashlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from coghub.build.cog_yaml import Command
from coghub.build.image.quoting import joined, listed, quoted
from coghub.build.image.recipe import BUILD, CACHE, UV, Recipe
from coghub.build.pip_settings import index_arguments
from coghub.domain.errors import ConfigInvalid

INDEX_SECRET = "coghub-index"  # noqa: S105 - a name
INDEX_PATH = f"/home/{INDEX_SECRET}"
"""In a folder that is there, so that none is left behind."""
SECRET_SETTINGS = f"{{ [ ! -f {INDEX_PATH} ] || . {INDEX_PATH}; }}"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
APT = "apt-get -qq -o Dpkg::Use-Pty=0"
NO_APT_CACHE = "rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*"
"""Official images keep none of it; others do."""
APT_CACHE = f"-o Dir::Cache={CACHE} -o APT::Keep-Downloaded-Packages=true"
"""At the place of a cache mount; packages below `/var/cache/apt` are removed by official images."""
ENVIRONMENT = "environment"
"""Name of the stage that is the image."""
PYTHON_NEEDS = [
    "ca-certificates",
    "curl",
    "git",
    "libbz2-1.0",
    "libexpat1",
    "libffi-dev",
    "liblzma5",
    "libncursesw6",
    "libreadline8",
    "libsqlite3-0",
    "libssl-dev",
    "libuuid1",
    "tzdata",
    "wget",
    "xz-utils",
    "zlib1g",
]
"""Libraries that the Python of the official image is linked to, and what Cog adds to NVIDIA's."""
TINI = "/usr/bin/tini"
ENTRYPOINT = (TINI, "--")
COMMAND = ("python", "-m", "cog.server.http")
PURELIB = "python -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'"
SDK_FOLDER = "/opt/cog/sdk"
TOOLS_FOLDER = f"{SDK_FOLDER}/cog/tools"
GPU_VARIABLES = (
    (
        "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/lib/x86_64-linux-gnu"
        ":/usr/local/nvidia/lib64:/usr/local/nvidia/bin"
    ),
    "NVIDIA_DRIVER_CAPABILITIES=all",
)
MIRRORED = r"https?://(deb\.debian\.org|security\.debian\.org|(archive|security)\.ubuntu\.com)"


@dataclass(frozen=True, slots=True)
class Builder:
    """What the builder can do."""

    has_buildkit: bool

    def apt(self, recipe: Recipe, *installs: str) -> str:
        """Return a step that installs system packages.

        Args:
            recipe: names the base image; each has packages of its own.
            installs: what follows `apt-get install`, each for a call of its own.
        """
        apt, mount = APT, ""
        if self.has_buildkit:
            mark = hashlib.sha256(recipe.base_image.encode()).hexdigest()[:12]
            mount = (
                f"--mount=type=cache,id=coghub-apt-{mark},target={CACHE},sharing=locked \\\n    "
            )
            apt = f"{APT} {APT_CACHE}"
        commands = [f"{apt} update", *(f"{apt} install -y {words}" for words in installs)]
        return f"RUN {mount}{joined([*commands, NO_APT_CACHE])}"

    def install(self, recipe: Recipe, folder: str, *commands: str) -> str:
        """Return a step that runs commands with `uv` on the path, each after the one before.

        Args:
            recipe: names the version of uv.
            folder: of the context, with an `index.sh`; is at `BUILD` meanwhile.
            commands: what is run.
        """
        settings = [f". {BUILD}/index.sh", SECRET_SETTINGS]
        path = f"export PATH={UV}/bin:$PATH UV_CACHE_DIR={CACHE}"
        clean = "rm -f /tmp/uv-*.lock"
        if self.has_buildkit:
            mounts = [
                f"--mount=type=cache,id=coghub-uv,target={CACHE}",
                f"--mount=type=bind,from=uv,source=/uv,target={UV}",
                f"--mount=type=bind,source={folder},target={BUILD},rw",
                f"--mount=type=secret,id={INDEX_SECRET},target={INDEX_PATH}",
            ]
            run = joined([*settings, path, *commands, clean])
            return "RUN " + " \\\n    ".join([*mounts, run])
        fetch = f"PYTHONDONTWRITEBYTECODE=1 {_fetch(recipe, UV)} --no-cache-dir"
        clean += f" && rm -rf {BUILD}/* {UV}/* {CACHE}/* {CACHE}/.??*"
        run = joined([settings[0], fetch, path, *commands, clean])
        return f"COPY {folder} {BUILD}\nRUN {run}"


def dockerfile(recipe: Recipe, builder: Builder) -> str:
    """Return the text.

    Raises:
        ConfigInvalid: if a command wants a secret and the builder cannot give it.
    """
    sections = [_base(recipe, builder), *_installer(recipe, builder), _server(recipe, builder)]
    if not recipe.system_packages:
        sections.append(f"FROM base AS tini\n{_system(recipe, builder)}")
    return "\n\n".join([*sections, _image(recipe, builder)]) + "\n"


def _base(recipe: Recipe, builder: Builder) -> str:
    lines = [f"FROM {recipe.base_image} AS base"]
    lines.append("ENV DEBIAN_FRONTEND=noninteractive PYTHONUNBUFFERED=1")
    if recipe.is_gpu:
        lines.append(f"ENV {' '.join(GPU_VARIABLES)}")
    if recipe.apt_mirror:
        lines.append(_mirror(recipe.apt_mirror))
    if recipe.has_certificate:
        lines += _certificate()
    if recipe.python_image:
        lines = [f"FROM {recipe.python_image} AS python", "", *lines, *_python(recipe, builder)]
    return "\n".join(lines)


def _mirror(mirror: str) -> str:
    script = f"s#{MIRRORED}#{mirror.rstrip('/')}#g"
    files = "/etc/apt/sources.list /etc/apt/sources.list.d/*"
    edit = f"[ ! -f $file ] || sed -i -E {shlex.quote(script)} $file"
    return f"RUN for file in {files}; do {edit}; done"


def _certificate() -> list[str]:
    """Trust one more; `update-ca-certificates` would forget what the base image has added so."""
    place = "/usr/local/share/ca-certificates/cog-ca-cert.crt"
    return [
        f"COPY ca.crt {place}",
        f"RUN mkdir -p /etc/ssl/certs && cat {place} >> {CERTIFICATES}",
        f"ENV SSL_CERT_FILE={CERTIFICATES} REQUESTS_CA_BUNDLE={CERTIFICATES}",
    ]


def _python(recipe: Recipe, builder: Builder) -> list[str]:
    """Bring the Python of an official image into one that has none."""
    return [
        builder.apt(recipe, f"--no-install-recommends {' '.join(PYTHON_NEEDS)}"),
        "COPY --from=python /usr/local/bin /usr/local/bin",
        "COPY --from=python /usr/local/lib /usr/local/lib",
        "COPY --from=python /usr/local/include /usr/local/include",
        "RUN ldconfig && python --version",
        "ENV PATH=/usr/local/bin:$PATH",
    ]


def _installer(recipe: Recipe, builder: Builder) -> Iterator[str]:
    """Return the stage that holds uv, which only BuildKit can lend to the others."""
    if builder.has_buildkit:
        mounts = [
            "--mount=type=cache,target=/root/.cache/pip",
            f"--mount=type=secret,id={INDEX_SECRET},target={INDEX_PATH}",
        ]
        run = joined([SECRET_SETTINGS, _fetch(recipe, "/uv")])
        yield "FROM base AS uv\nRUN " + " \\\n    ".join([*mounts, run])


def _fetch(recipe: Recipe, folder: str) -> str:
    quiet = "-q --root-user-action=ignore --disable-pip-version-check"
    return f"python -m pip install {quiet} --target {folder} {shlex.quote(recipe.uv)}"


def _server(recipe: Recipe, builder: Builder) -> str:
    compile_sdk = (
        "/opt/cog/bin/python -m compileall -q --invalidation-mode unchecked-hash " + SDK_FOLDER
    )
    make_runnable = f"chmod 755 {TOOLS_FOLDER}/*"  # a wheel may have lost it
    install = builder.install(
        recipe,
        "server",
        "uv venv -q --no-project --python python /opt/cog",
        f"uv pip install -q --python /opt/cog/bin/python --compile-bytecode -r {BUILD}/server.txt",
    )
    lines = ["FROM base AS server", install, f"COPY sdk {SDK_FOLDER}"]
    lines.append(f"RUN {joined([compile_sdk, make_runnable])}")
    return "\n".join(lines)


def _image(recipe: Recipe, builder: Builder) -> str:
    lines = [f"FROM base AS {ENVIRONMENT}", f"ENV PATH=$PATH:{TOOLS_FOLDER}"]
    if recipe.system_packages:
        lines.append(_system(recipe, builder))
    if recipe.environment:
        pairs = (f"{name}={quoted(value)}" for name, value in sorted(recipe.environment.items()))
        lines.append("ENV " + " \\\n    ".join(pairs))
    lines += [_packages(recipe, builder), "COPY --from=server /opt/cog /opt/cog"]
    if not recipe.system_packages:
        lines.append(f"COPY --from=tini {TINI} {TINI}")
    lines += [_run(command, builder) for command in recipe.run]
    lines += ["WORKDIR /src", "EXPOSE 5000", *_told(recipe)]
    lines += [f"ENTRYPOINT {listed(ENTRYPOINT)}", f"CMD {listed(COMMAND)}"]
    return "\n".join(lines)


def _system(recipe: Recipe, builder: Builder) -> str:
    """Return the step for tini and what cog.yaml lists, these with what they recommend."""
    names = " ".join(recipe.system_packages)
    return builder.apt(recipe, "--no-install-recommends tini", *([names] if names else []))


def _packages(recipe: Recipe, builder: Builder) -> str:
    install = "uv pip install --system --break-system-packages --compile-bytecode"
    install += "".join(f" {shlex.quote(word)}" for word in index_arguments(recipe.index))
    files = f"-r {BUILD}/requirements.txt --overrides {BUILD}/overrides.txt"
    if recipe.constraints:
        files += f" --constraints {BUILD}/constraints.txt"
    missing = [_unless_there(name, install) for name in recipe.if_missing]
    path = f'folder="$({PURELIB})" && mkdir -p "$folder" && echo {SDK_FOLDER} > "$folder/cog.pth"'
    return builder.install(
        recipe,
        "packages",
        f"{install} {files}",
        *missing,
        path,
    )


def _unless_there(name: str, install: str) -> str:
    """Return a command that adds a package which no other package has brought."""
    shown = f"uv pip show -q --system {name} >/dev/null 2>&1"
    return f"{{ {shown} || {install} {name}; }}"


def _run(command: Command, builder: Builder) -> str:
    if command.mounts and not builder.has_buildkit:
        raise ConfigInvalid(
            f"A command of build.run mounts a secret, which needs BuildKit: {command.command}",
            hint="Install Docker's buildx plugin",
        )
    mounts = [
        f"--mount=type=secret,id={mount.id},target={mount.target}" for mount in command.mounts
    ]
    return " ".join(["RUN", *mounts, command.command.strip()])


def _told(recipe: Recipe) -> list[str]:
    told = {
        "COG_PREDICT_TYPE_STUB": recipe.predict,
        "COG_TRAIN_TYPE_STUB": recipe.train,
        "COG_MAX_CONCURRENCY": str(recipe.max_concurrency or ""),
    }
    return [f"ENV {name}={quoted(value)}" for name, value in told.items() if value]
