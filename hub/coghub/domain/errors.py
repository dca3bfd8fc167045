"""Every error of the hub and its commands, in one tree.

CoghubError
├── SettingInvalid            a setting or flag has a value that cannot be used
├── UsageError                the command was called wrongly
├── ConfigError               about cog.yaml
│   ├── ConfigNotFound
│   └── ConfigInvalid
├── RequirementsInvalid       a requirements file or a local package cannot be used
├── InterpreterNotFound       no Python of the wanted version
├── EnvironmentFailed         an environment could not be made
│   └── CommandFailed         a `build.run` command ended badly
├── DiskFull
├── ProjectUnreadable         a file of the project cannot be read
├── BundleError
│   ├── BundleNotFound
│   ├── BundleInvalid         its content is damaged, forged or too large
│   └── NameInvalid           not a name that a bundle may have
├── SDKNotFound               the `cog` package that models import is not installed
├── ModelUnreadable           the model cannot be imported, or its signature not be read
├── InputInvalid              an input of the model does not fit its schema
└── InstanceError             about a running model
    ├── SetupFailed
    ├── InstanceDied
    └── PredictionFailed

An entry point prints `message`, then `hint` on a line of its own.
"""


class CoghubError(Exception):
    """Something that a person can read and act upon."""

    code = "error"

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingInvalid(CoghubError):
    """A setting has a value that cannot be used."""

    code = "setting-invalid"


class UsageError(CoghubError):
    """The command was called in a way that makes no sense."""

    code = "usage"


class ConfigError(CoghubError):
    """Something about cog.yaml."""

    code = "config"


class ConfigNotFound(ConfigError):
    """No cog.yaml here or above."""

    code = "config-not-found"


class ConfigInvalid(ConfigError):
    """A cog.yaml that says what cannot be; the message has one line for each mistake."""

    code = "config-invalid"


class RequirementsInvalid(CoghubError):
    """A requirements file or a local package that cannot be used."""

    code = "requirements-invalid"


class InterpreterNotFound(CoghubError):
    """No Python of the wanted version on this machine, and none could be installed."""

    code = "interpreter-not-found"


class EnvironmentFailed(CoghubError):
    """The packages of a model could not be installed."""

    code = "environment-failed"


class CommandFailed(EnvironmentFailed):
    """A command of `build.run` ended with an error."""

    code = "command-failed"


class DiskFull(CoghubError):
    """No space is left where something had to be written."""

    code = "disk-full"


class ProjectUnreadable(CoghubError):
    """A file of the project cannot be read, or changed while it was read."""

    code = "project-unreadable"


class BundleError(CoghubError):
    """Something about a bundle."""

    code = "bundle"


class BundleNotFound(BundleError):
    """No bundle of that name in the store."""

    code = "bundle-not-found"


class BundleInvalid(BundleError):
    """A bundle whose content is damaged, forged or too large."""

    code = "bundle-invalid"


class NameInvalid(BundleError):
    """Not a name that a bundle may have."""

    code = "name-invalid"


class SDKNotFound(CoghubError):
    """The package `cog` that models import is not beside this command."""

    code = "sdk-not-found"


class ModelUnreadable(CoghubError):
    """A model whose code cannot be imported, or whose signature cannot be read."""

    code = "model-unreadable"


class InputInvalid(CoghubError):
    """An input that does not fit the model's schema."""

    code = "input-invalid"


class InstanceError(CoghubError):
    """Something about a running model."""

    code = "instance"


class SetupFailed(InstanceError):
    """The model's `setup()` failed, or took too long."""

    code = "setup-failed"


class InstanceDied(InstanceError):
    """The model's server ended while it was needed."""

    code = "instance-died"


class PredictionFailed(InstanceError):
    """A prediction ended with an error."""

    code = "prediction-failed"
