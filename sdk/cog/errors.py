"""Everything that the SDK raises, in one tree.

::

    BaseException
    ├── CancelationException        the prediction was canceled; user code may clean up and re-raise
    └── Exception
        └── CogError
            ├── ConfigDoesNotExist  no cog.yaml where one was asked for
            ├── PredictorNotSet     nothing says which class or function to run
            ├── ModelLoadError      the model's file cannot be imported, or has no such name
            ├── SchemaError         the signature has something that no schema can say
            ├── InputError          an input does not fit its parameter
            ├── DownloadError       an input's URL cannot be read
            ├── FetchError          weights cannot be had, or are not what they should be
            │   └── BadArchive      they are no archive that can be unpacked
            └── OutputError         what the model returned cannot be sent
"""

from typing import ClassVar


class CogError(Exception):
    """Base of every error of the SDK."""

    code: ClassVar[str] = "cog-error"
    """Stable name of the kind of error, for programs."""

    def __init__(self, message: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigDoesNotExist(CogError):
    """No cog.yaml where one was asked for."""

    code = "config-does-not-exist"


class PredictorNotSet(CogError):
    """Neither the environment nor cog.yaml says which class or function to run."""

    code = "predictor-not-set"


class ModelLoadError(CogError):
    """The model's file cannot be imported, or does not define what the reference names."""

    code = "model-load"


class SchemaError(CogError):
    """The model's signature has something that no schema can say."""

    code = "schema"


class InputError(CogError):
    """An input does not fit its parameter; the message begins with the parameter's name."""

    code = "input"


class DownloadError(CogError):
    """An input's URL cannot be read."""

    code = "download"


class FetchError(CogError):
    """A file of weights cannot be fetched, or fits no checksum."""

    code = "fetch"


class BadArchive(FetchError):
    """What was fetched is no archive, is damaged, or has a member that may not be unpacked."""

    code = "archive"


class OutputError(CogError):
    """What the model returned cannot be sent: a missing file, NaN, an object that is not JSON."""

    code = "output"


class CancelationException(BaseException):
    """Raised in the user's code, wherever it is, when its prediction is canceled.

    Not an `Exception`, so that a model's `except Exception` does not swallow it.
    """
