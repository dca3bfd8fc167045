"""Checks of the machine: whether it has what this project needs to run here."""

from coghub.build.accelerator.choice import choose
from coghub.build.accelerator.kernels import SKIPPED_BY, capabilities, kernel_warning
from coghub.build.accelerator.wanted import wanted
from coghub.build.cog_yaml import Config
from coghub.build.docker.client import find_docker
from coghub.build.doctor.findings import Finding, Findings, Level
from coghub.build.doctor.project import ExaminedProject
from coghub.build.interpreters import Interpreters
from coghub.build.plan import Plan
from coghub.domain.errors import CoghubError, ConfigInvalid, RequirementsInvalid

DOCKER = "env-docker"
PYTHON = "env-python-version"
GPU = "env-gpu-compat"


def check_docker(project: ExaminedProject) -> Findings:
    """Check that Docker answers, where it is asked for; else say that it goes without."""
    settings = project.settings
    if settings.environ.get("COG_SKIP_DOCKER_CHECK") or settings.engine == "local":
        return
    if settings.engine == "docker":
        try:
            find_docker(settings).require_engine()
        except CoghubError as error:
            yield Finding(DOCKER, Level.ERROR, error.message, hint=error.hint)
    elif not project.has_docker:
        message = "No Docker engine answers: models run on this machine itself"
        yield Finding(DOCKER, Level.INFO, message)


def check_python(project: ExaminedProject) -> Findings:
    """Check that the Python of cog.yaml is on this machine, where models run on it."""
    config = project.config
    if not isinstance(config, Config) or project.has_docker:
        return
    version = config.build.python_version
    found = Interpreters(project.settings).present(version)
    if found is None:
        message = f"No Python {version} on this machine: a first run without Docker installs it"
        hint = "Install it, or change `python_version`"
        yield _python(project, Level.WARNING, message, hint)
    elif not f"{found.version}.".startswith(f"{version}."):
        message = f"Python {version} is not on this machine: {found.version} is used without Docker"
        yield _python(project, Level.WARNING, message, None)


def _python(project: ExaminedProject, level: Level, message: str, hint: str | None) -> Finding:
    line = project.line_of("build.python_version")
    return Finding(PYTHON, level, message, project.config_name, line, hint)


def check_gpu(project: ExaminedProject) -> Findings:
    """Check that Python, PyTorch, TensorFlow, CUDA and the GPUs here go together."""
    plan, environ = project.plan, project.settings.environ
    if not isinstance(plan, Plan):
        return
    try:
        accelerator = choose(plan)
    except (ConfigInvalid, RequirementsInvalid) as error:
        check = PYTHON if isinstance(error, RequirementsInvalid) else GPU
        line = project.line_of("build")
        message = " ".join(error.message.split())
        place = project.config_name, line
        yield Finding(check, Level.WARNING, message, *place, error.hint)
        return
    torch = wanted(plan.requirements, "torch")
    if environ.get(SKIPPED_BY) or not plan.gpu or torch is None or not accelerator.cuda:
        return
    warning = kernel_warning(torch.shown(), accelerator.cuda, capabilities(environ))
    if warning is not None:
        yield Finding(GPU, Level.WARNING, warning, project.config_name, project.line_of("build"))
