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
├── WeightsInvalid            weights beside the code, or their lock, cannot be used
├── BundleError
│   ├── BundleNotFound
│   ├── BundleInvalid         its content is damaged, forged or too large
│   └── NameInvalid           not a name that a bundle may have
├── RegistryError             a registry answered what does not help
│   ├── RegistryUnreachable   no connection, or it broke
│   ├── RegistryBusy          not now; asking again later may help
│   ├── RegistryRefused       not logged in, or not allowed
│   └── RemoteNotFound        no such model, tag or blob there
├── CredentialsUnusable       Docker's configuration or a credential helper does not work
├── DockerError               the Docker engine could not do what was asked of it
│   ├── DockerUnreachable     no `docker` command, or no engine that answers
│   ├── BuildFailed           a step of an image's build ended badly
│   ├── ImageNotFound         neither here nor in a registry
│   └── ImageInvalid          not an image of a model
├── SchemaBroken              a push would break who uses the model
├── ExpectationsUnmet         a test of the model did not pass
├── SDKNotFound               the `cog` package that models import is not installed
├── ModelUnreadable           the model cannot be imported, or its signature not be read
├── InputInvalid              an input of the model does not fit its schema
├── InstanceError             about a running model
│   ├── SetupFailed
│   ├── InstanceDied
│   ├── InstanceGone      it does not answer, or the connection broke
│   ├── InstanceBusy      no slot is free, or it is being set up again
│   ├── InputRefused      it does not take the input
│   ├── PredictionOverdue  a prediction has not ended in time
│   └── PredictionFailed
└── HubError                  about the hub
    ├── DatabaseUnusable      the file of the rows cannot be opened, or is damaged
    ├── DatabaseUnreachable   its server does not answer, or does not let the hub in
    ├── DatabaseUnknown       a newer version has changed the data folder
    ├── DatabaseElsewhere     the rows of the data folder are in another one
    ├── DatabaseInUse         a hub of an older version runs on it
    ├── DataFolderBusy        another hub runs on the data folder
    ├── HubsDiffer            hubs of one database do not go together
    ├── HubNotFound           no hub in the data folder
    ├── StorageUnusable       the object store cannot be reached, or is another hub's
    ├── ListenFailed          the address to listen on cannot be had
    ├── BackupInvalid         no backup, or one that cannot be used there
    ├── KeyFileInvalid        secrets cannot be read with the key that is there
    ├── BadRequest            a request that cannot be understood, such as a body that is not JSON
    ├── Unauthenticated       no token, or one that is not valid
    │   └── SignInNeeded      a page is for accounts, and a stranger asks for it
    ├── Forbidden             the account may see it, and not do this with it
    ├── NotFound              it does not exist, or not for this account
    │   ├── AccountNotFound
    │   ├── ModelNotFound
    │   ├── VersionNotFound
    │   ├── CollectionNotFound
    │   ├── PredictionNotFound
    │   ├── TrainingNotFound
    │   ├── DestinationNotFound  no model of that name for what a training makes
    │   ├── DeploymentNotFound
    │   ├── VariableNotFound
    │   └── FileNotFound
    ├── Conflict              it contradicts what is there
    ├── RequestInvalid        a field of a request cannot be used
    │   ├── VersionNotPermitted  no version that the account may run
    │   └── InputRejected     a prediction's input does not fit the version's schema
    ├── TrainingUseless       a training returned nothing that a version can be made of
    ├── TooLarge              a body or file is above its limit
    ├── QueueFull             too many predictions wait
    ├── Throttled             a token asks more often than the operator allows
    └── DistributionError     a registry has a code for it: see `distribution_errors`

An entry point of the commands prints `message`, then `hint` on a line of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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


class RegistryError(CoghubError):
    """A registry answered what does not help."""

    code = "registry"

    def __init__(self, message: str, hint: str | None = None, *, reason: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason
        """The registry's own code, such as "MANIFEST_BLOB_UNKNOWN"; empty if it gave none."""


class RegistryUnreachable(RegistryError):
    """No connection to a registry could be made, or it broke."""

    code = "registry-unreachable"

    def __init__(self, message: str, hint: str | None = None, *, is_final: bool = False) -> None:
        super().__init__(message, hint)
        self.is_final = is_final
        """Whether trying again cannot help, as with a certificate that is not trusted."""


class RegistryBusy(RegistryError):
    """A registry that cannot answer now; asking again later may help."""

    code = "registry-busy"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RegistryRefused(RegistryError):
    """A registry that wants a login, or that does not allow this."""

    code = "registry-refused"


class RemoteNotFound(RegistryError):
    """A model, tag or blob that the registry does not have."""

    code = "remote-not-found"


class CredentialsUnusable(CoghubError):
    """Docker's configuration cannot be read or written, or a credential helper failed."""

    code = "credentials-unusable"


class DockerError(CoghubError):
    """The Docker engine could not do what was asked of it."""

    code = "docker"


class DockerUnreachable(DockerError):
    """There is no `docker` command on this machine, or no engine answers it."""

    code = "docker-unreachable"


class BuildFailed(DockerError):
    """A step of an image's build ended badly; the message ends with what it said last."""

    code = "build-failed"


class ImageNotFound(DockerError):
    """An image that is neither on this machine nor in a registry that may be read."""

    code = "image-not-found"


class ImageInvalid(DockerError):
    """An image that is not one of a model, or that carries what cannot be used."""

    code = "image-invalid"


class WeightsInvalid(CoghubError):
    """Managed weights that do not fit cog.yaml, their lock, their source or this machine."""

    code = "weights-invalid"


class SchemaBroken(CoghubError):
    """A push of a version that breaks who uses the model."""

    code = "schema-broken"


class ExpectationsUnmet(CoghubError):
    """Tests of a model that did not pass."""

    code = "expectations-unmet"


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


class InstanceGone(InstanceError):
    """The instance does not answer, or the connection to it broke."""

    code = "instance-gone"


class InstanceBusy(InstanceError):
    """Every slot of the instance is taken, or it is being set up again."""

    code = "instance-busy"


class InputRefused(InstanceError):
    """The instance does not take the input."""

    code = "input-refused"


class PredictionOverdue(InstanceError):
    """A prediction that has not ended in the time that it was given."""

    code = "prediction-overdue"


class PredictionFailed(InstanceError):
    """A prediction ended with an error."""

    code = "prediction-failed"


class HubError(CoghubError):
    """Something about the hub."""

    code = "hub"


class DatabaseUnusable(HubError):
    """The file of the rows cannot be opened, or is damaged."""

    code = "database-unusable"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The database cannot be used: {reason}: {path}",
            hint="Restore a backup with `coghub restore`, or see to the disk",
        )


class DatabaseUnreachable(HubError):
    """The server of the rows does not answer, or does not let the hub in."""

    code = "database-unreachable"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"The database {name} cannot be used: {reason}",
            hint="See that its server runs, and what the setting `database` says",
        )


class DatabaseUnknown(HubError):
    """The database was changed by a version that this one does not know."""

    code = "database-too-new"


class DatabaseElsewhere(HubError):
    """The rows of the data folder are in another database than the setting names."""

    code = "database-elsewhere"


class StorageUnusable(HubError):
    """The object store does not answer, refuses, or has another hub's objects in that place."""

    code = "storage-unusable"


class DatabaseInUse(HubError):
    """The database has to be changed, and a hub of an older version works with it."""

    code = "database-in-use"


class DataFolderBusy(HubError):
    """Another hub runs on the data folder."""

    code = "data-folder-busy"


class HubsDiffer(HubError):
    """Hubs that share a database have other keys, objects or executors."""

    code = "hubs-differ"


class HubNotFound(HubError):
    """There is no hub in the data folder."""

    code = "hub-not-found"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"No hub in this folder: {folder}",
            hint="Choose another with `--data`, or start one with `coghub up`",
        )


class ListenFailed(HubError):
    """The address to listen on is taken, or is not this machine's."""

    code = "listen-failed"


class BackupInvalid(HubError):
    """There is no backup in the folder, or it cannot be used for this."""

    code = "backup-invalid"


class KeyFileInvalid(HubError):
    """The key file is damaged, or is not the one that sealed a value."""

    code = "key-file-invalid"


class BadRequest(HubError):
    """A request that cannot be understood."""

    code = "bad-request"


class Unauthenticated(HubError):
    """No token was given, or one that is not valid."""

    code = "unauthenticated"


class SignInNeeded(Unauthenticated):
    """A page is for accounts, and a stranger asks for it."""

    code = "sign-in-needed"

    def __init__(self) -> None:
        super().__init__("Sign in first")


class Forbidden(HubError):
    """The account may see the thing, and not do this with it."""

    code = "forbidden"


class NotFound(HubError):
    """It does not exist, or this account may not know that it does."""

    code = "not-found"


class AccountNotFound(NotFound):
    """No account of that name."""

    code = "account-not-found"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No user named `{name}` on this hub", hint="List users with `coghub user list`"
        )


class ModelNotFound(NotFound):
    """No model of that name."""

    code = "model-not-found"

    def __init__(self, full_name: str) -> None:
        super().__init__(f"No model named `{full_name}`")


class VersionNotFound(NotFound):
    """No version of that id."""

    code = "version-not-found"

    def __init__(self, version_id: str) -> None:
        super().__init__(
            f"No version with id `{version_id}`",
            hint="List versions with `coghub versions OWNER/MODEL`",
        )


class CollectionNotFound(NotFound):
    """No collection of that name."""

    code = "collection-not-found"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"No collection named `{slug}`",
            hint="List collections with `coghub collection list`",
        )


class PredictionNotFound(NotFound):
    """No prediction of that id."""

    code = "prediction-not-found"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(f"No prediction with id `{prediction_id}`")


class TrainingNotFound(NotFound):
    """No training of that id."""

    code = "training-not-found"

    def __init__(self, training_id: str) -> None:
        super().__init__(f"No training with id `{training_id}`")


class DestinationNotFound(NotFound):
    """No model of that name for what a training makes."""

    code = "destination-not-found"

    def __init__(self) -> None:
        super().__init__("The specified training destination does not exist")


class DeploymentNotFound(NotFound):
    """No deployment of that name."""

    code = "deployment-not-found"

    def __init__(self, full_name: str) -> None:
        super().__init__(f"No deployment named `{full_name}`")


class VariableNotFound(NotFound):
    """No variable of that name."""

    code = "variable-not-found"

    def __init__(self, name: str, full_name: str) -> None:
        super().__init__(f"The model `{full_name}` has no variable named `{name}`")


class FileNotFound(NotFound):
    """No file of that id."""

    code = "file-not-found"

    def __init__(self) -> None:
        super().__init__("File not found")


class Conflict(HubError):
    """It contradicts what is there."""

    code = "conflict"


class RequestInvalid(HubError):
    """A field of a request cannot be used."""

    code = "request-invalid"


class VersionNotPermitted(RequestInvalid):
    """What a request names is no version, or none that the account may run."""

    code = "version-not-permitted"


@dataclass(frozen=True, slots=True)
class InvalidField:
    """One thing that is wrong with an input."""

    type: str
    """As gojsonschema names it, such as `required` or `number_lte`."""
    field: str
    """A dotted path such as `input.width`; empty for the body itself."""
    description: str

    @property
    def text(self) -> str:
        """The place and what is wrong there."""
        return f"{self.field}: {self.description}" if self.field else self.description


class InputRejected(RequestInvalid):
    """A prediction's input does not fit the version's schema."""

    code = "input-rejected"

    def __init__(self, fields: Sequence[InvalidField]) -> None:
        super().__init__("".join(f"- {field.text}\n" for field in fields))
        self.fields = tuple(fields)


class TrainingUseless(HubError):
    """A training returned nothing that a version can be made of."""

    code = "training-useless"


class TooLarge(HubError):
    """A body or a file is above its limit."""

    code = "too-large"


class QueueFull(HubError):
    """Too many predictions wait."""

    code = "queue-full"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Throttled(HubError):
    """A token asks more often than the operator allows."""

    code = "throttled"

    def __init__(self, retry_after_s: int) -> None:
        plural = "" if retry_after_s == 1 else "s"
        super().__init__(
            f"Request was throttled. Expected available in {retry_after_s} second{plural}."
        )
        self.retry_after_s = retry_after_s
