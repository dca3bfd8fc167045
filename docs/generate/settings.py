"""settings.md: every environment variable that is read, and the server's flags.

What the `settings` modules read is taken from their source: the field a variable fills, its
default and its docstring. Variables read elsewhere, because they are not ours alone, are said here.
"""

import ast
import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.generate.tables import table

from coghub.cli.hub.up import command as up
from coghub.hub_settings import PREFIX, HubSettings

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|PORT|HOME|PATH|TERM")

INTRODUCTION = """\
# Settings

All settings of `cog` and of the model server are environment variables, read once at the start.
Those of a hub may also be flags of `coghub up` or lines of a settings file.
"""

HUB = """\
## The hub

Read by `coghub`.
A flag beats the environment, which beats the settings file; an unknown name or a wrong value is refused by name.
The file is TOML, named by `--config` or `COGHUB_CONFIG`: `queue-limit = 500` in it is `COGHUB_QUEUE_LIMIT=500`.
A list is written `["10.0.0.0/8"]` in the file, and with commas or blanks in a variable."""

SECTIONS = (
    ("The command", "Read by `cog`.", "hub/coghub/settings.py"),
    ("The model server", "Read by `python -m cog.server.http`.", "sdk/cog/server/settings.py"),
    ("The worker", "Read where the model runs.", "sdk/cog/worker/settings.py"),
)

ELSEWHERE = {
    "The command": {
        "NO_COLOR": "Any value: no colours, icons or moving lines. `COG_NO_COLOR` and `TERM=dumb` are the same.",
        "REPLICATE_API_TOKEN": "What `--use-replicate-token` passes to the model.",
        "PIP_CONFIG_FILE": "pip's own configuration: its index, find-links, certificate and proxy are passed to uv, which does not read them. `PIP_INDEX_URL` and its like work too, and uv's own variables (`UV_…`) win.",
        "HTTPS_PROXY": "Together with `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`: how registries are reached; with `SSL_CLIENT_CERT` also the package index. `XDG_CONFIG_HOME` is where pip's configuration is looked for.",
        "DOCKER_HOST": "Which Docker engine is meant, as for `docker` itself; `DOCKER_CONTEXT` and the current context too.",
        "BUILDKIT_PROGRESS": "How builds with Docker are shown: what `--progress` says where it is not given.",
        "HF_TOKEN": "What `cog weights import` tells Hugging Face, or the server that `HF_ENDPOINT` names; `HUGGING_FACE_HUB_TOKEN` likewise.",
        "COG_MODEL": "Where `cog weights` and `cog push` push to, in place of `model` in cog.yaml; `COG_MODEL_REGISTRY`, `COG_MODEL_REPO` and `COG_MODEL_TAG` are parts of it.",
        "COG_PUSH_OCI": "`0` leaves pushes of images to `docker push`.",
        "COG_SKIP_GPU_CHECK": "Any value: `nvidia-smi` is not asked which GPUs are here.",
        "COG_SKIP_DOCKER_CHECK": "Any value: `cog doctor` does not ask whether a Docker engine answers.",
        "GITHUB_SHA": "Revision of the sources in an image's labels, where git does not say it; `GITHUB_REF_NAME` likewise is its version.",
        "PYENV_ROOT": "Where pyenv's interpreters are looked for. `UV_PYTHON_INSTALL_DIR`, `HOMEBREW_PREFIX` and `CONDA_PREFIX` are looked at too.",
    },
    "The model server": {
        "COG_SERVER_PYTHON": "The interpreter that the server runs on; else `/opt/cog/bin/python`, else the model's own. The command sets it.",
    },
    "The worker": {"COG_USER_AGENT": "`User-Agent` of downloads that the model causes."},
}
"""By section: variables that other modules read, and what they mean."""

SAID_HERE = {
    "COG_CACHE_DIR": ("`~/.cache/coghub`", None),
    "COG_DATA_DIR": ("`~/.local/share/coghub`", None),
    "COG_ENGINE": (
        "`auto`",
        "`local`, `docker`, or `auto`: Docker where an engine answers, else local.",
    ),
    "DOCKER_CONFIG": ("`~/.docker`", None),
    "COG_REGISTRY_HOST": ("", None),
    "COG_PUSH_CONCURRENCY": ("`5`", None),
    "COG_PUSH_DEFAULT_CHUNK_SIZE": ("96 MiB", None),
    "COG_PUSH_MULTIPART_THRESHOLD": ("128 MiB", None),
    "COG_BASE_IMAGE": ("chosen by cog.yaml", None),
    "COG_APT_MIRROR": ("", None),
    "COG_TORCH_INDEX": ("", None),
    "COG_CA_CERT": ("", None),
    "COG_SDK_WHEEL": ("", None),
    "COG_TRAIN_TYPE_STUB": ("", "The same for `train()`, such as `train.py:train`."),
    "PORT": ("`5000`", "Port to listen on."),
    "COG_SETUP_TIMEOUT": ("no limit", "Longest time for setup, in seconds."),
    "COG_MAX_WORKER_MB": (
        "no limit",
        "The worker is replaced by a fresh one when it and its children hold more MiB after a prediction.",
    ),
    "COG_MAX_PREDICTIONS": ("no limit", "The worker is replaced by a fresh one after so many."),
    "COG_CANCEL_GRACE_S": (
        "`5`",
        "Seconds from a cancel to the end of a worker that does not heed it.",
    ),
    "COG_THROTTLE_RESPONSE_INTERVAL": (
        "`0.5`",
        "Shortest time between two `logs` webhooks of a prediction, in seconds.",
    ),
    "COG_MAX_INPUT_FILE_BYTES": ("16 GiB", "Largest file that is fetched for an input, in bytes."),
    "WEBHOOK_AUTH_TOKEN": ("", "Sent with webhooks as `Authorization: Bearer …`."),
    "COG_USER_AGENT": ("`coghub`", "`User-Agent` of downloads."),
    "COG_FETCH_ALLOW": (
        "anywhere",
        "Where input files may be fetched from, and outputs and webhooks sent to: a list of `public`, `private` (loopback included), networks such as `10.1.0.0/16`, and addresses with ports such as `127.0.0.1:4000`. The address that is dialled counts, at every redirect. Link-local, metadata and multicast addresses are refused then, unless given with their port. Proxies are not used.",
    ),
    "COG_OPENAPI_SCHEMA": (
        "",
        "Path of a document that overrules the one made from the model's signature.",
    ),
    "COG_LOG_LEVEL": ("`info`", "`debug`, `info`, `warning` or `error`."),
    "LOG_FORMAT": (
        "by the terminal",
        "`console`: text for people; anything else: one JSON object a line.",
    ),
    "KUBERNETES_SERVICE_HOST": (
        "",
        "Set by Kubernetes: `/var/run/cog/ready` is made at the first health check that says `READY`.",
    ),
    "COG_MAX_CONCURRENCY": (
        "`1`",
        "How many predictions run at once, for async models; it overrules what the model's decorator says.",
    ),
    "COG_WEIGHTS": ("", "A URL or a path, passed to `setup(weights)`."),
}
"""Where the code's own words are not enough: default and meaning; None keeps the code's meaning."""


HUB_DEFAULTS = {
    "hardware_limits": "none",
    "data": "`~/.local/share/coghub/hub`",
    "cpu_instances": "the number of cores",
}
MANY = 1e5
"""From here on `%g` would write an exponent."""


@dataclass
class Variable:
    """One row."""

    names: list[str]
    meaning: str
    default: str


def page() -> str:
    """Return the page."""
    lines = [INTRODUCTION]
    for title, text, module in SECTIONS:
        rows = [_row(it) for it in variables(ROOT / module)]
        rows += [(f"`{name}`", "", meaning) for name, meaning in ELSEWHERE[title].items()]
        lines += [f"## {title}", "", text, "", *table(("variable", "default", "meaning"), rows), ""]
    lines += [HUB, "", *table(("setting", "variable", "default", "meaning"), hub_rows()), ""]
    lines += ["## Flags of the model server", ""]
    lines += table(("flag of `python -m cog.server.http`", "meaning"), flags())
    return "\n".join(lines) + "\n"


def _row(variable: Variable) -> tuple[str, str, str]:
    names = ", else ".join(f"`{name}`" for name in variable.names)
    default, meaning = SAID_HERE.get(variable.names[0], (None, None))
    shown = variable.default and f"`{variable.default}`" if default is None else default
    return names, shown, meaning or variable.meaning


def hub_rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield the settings of a hub, by the fields of their class; a few are flags too."""
    source = (ROOT / "hub/coghub/hub_settings.py").read_text(encoding="utf-8")
    told = _fields(ast.parse(source), "HubSettings")
    flags_of_up = {name for option in up.params for name in option.opts}
    for field in dataclasses.fields(HubSettings):
        setting = field.name.replace("_", "-")
        flag = f"`--{setting}`" if f"--{setting}" in flags_of_up else f"`{setting}`"
        default = HUB_DEFAULTS.get(field.name) or _shown(field.default)
        yield flag, f"`{PREFIX}{field.name.upper()}`", default, told[field.name][0]


def _shown(default: object) -> str:
    match default:
        case None | ():
            return ""
        case bool():
            return f"`{str(default).lower()}`"
        case float():
            return f"`{default:g}`" if default < MANY else f"`{int(default)}`"
        case _:
            return f"`{default}`"


def variables(module: Path) -> Iterator[Variable]:
    """Yield what `read_settings` of a module reads, by the fields of its `Settings`."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    fields = _fields(tree, "Settings")
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "Settings":
            for keyword in call.keywords:
                names = _names_in(keyword.value, tree)
                if names and keyword.arg:
                    yield Variable(names, *fields[keyword.arg])


def _fields(tree: ast.Module, name: str) -> dict[str, tuple[str, str]]:
    """Return the docstring and the default of each field of a class."""
    [settings] = (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name
    )
    found: dict[str, tuple[str, str]] = {}
    for node, after in zip(settings.body, [*settings.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = (_docstring(after, node.target.id), _default(node.value))
    return found


def _docstring(node: ast.stmt | None, name: str) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
        case _:
            return name.replace("_", " ").capitalize() + "."


def _default(value: ast.expr | None) -> str:
    match value:
        case None | ast.Constant(value=None) | ast.Call():
            return ""
        case ast.Constant(value=constant):
            return str(constant).lower() if isinstance(constant, bool) else str(constant)
        case _:
            return ast.unparse(value)


def _names_in(value: ast.expr, tree: ast.Module) -> list[str]:
    """Return the variables that an expression reads, through one function of the module too."""
    names = [*_constants(value)]
    match value:
        case ast.Call(func=ast.Name(id=called)) if not names:
            for node in tree.body:
                if isinstance(node, ast.FunctionDef) and node.name == called:
                    names += _constants(node)
        case _:
            pass
    return list(dict.fromkeys(names))


def _constants(node: ast.AST) -> Iterator[str]:
    for inside in ast.walk(node):
        match inside:
            case ast.Constant(value=str(text)) if VARIABLE.fullmatch(text):
                yield text
            case _:
                pass


def flags() -> Iterator[tuple[str, str]]:
    """Yield the flags that the server's parser knows and shows."""
    tree = ast.parse((ROOT / "sdk/cog/server/settings.py").read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Name) and call.func.id == "add"):
            continue
        names = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        options = {it.arg: it.value for it in call.keywords}
        match options.get("help"), options.get("action"):
            case ast.Constant(value=str(text)), _:
                yield ", ".join(f"`{name}`" for name in names), _sentence(text, options)
            case _, ast.Constant(value="version"):
                yield ", ".join(f"`{name}`" for name in names), "Print the version and exit."
            case _:
                pass


def _sentence(text: str, options: dict[str | None, ast.expr]) -> str:
    sentence = text[0].upper() + text[1:] + "."
    match options.get("choices"):
        case ast.List(elts=choices):
            sentence += " One of " + ", ".join(f"`{ast.literal_eval(it)}`" for it in choices) + "."
        case _:
            pass
    match options.get("default"):
        case ast.Constant(value=str(default)) if default:
            sentence += f" Default: `{default}`."
        case _:
            pass
    return sentence
