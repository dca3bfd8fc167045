"""The local store of bundles: what `cog build -t NAME` writes and `cog predict NAME` runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coghub.build.events import Report
from coghub.build.plan import Plan
from coghub.settings import Settings


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in the store."""

    name: str
    """Such as "hello:latest"."""
    digest: str
    """Of its manifest."""
    labels: Mapping[str, str]

    @property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document that was made when it was built."""
        raise NotImplementedError


class Store:
    """An OCI image layout with many tags."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.data_folder / "bundles"

    def write(
        self, name: str, plan: Plan, project: Path, document: Mapping[str, Any], report: Report
    ) -> Bundle:
        """Store the project under the name; equal projects give equal digests.

        Raises:
            NameInvalid: if the name is not `[HOST/]PATH[:TAG]`.
            ProjectUnreadable: if a file cannot be read or changes meanwhile.
            EnvironmentFailed: if the requirements cannot be locked.
        """
        raise NotImplementedError

    def find(self, name: str) -> Bundle:
        """Return the bundle of that name (`:latest` unless it says), or of that digest.

        Raises:
            BundleNotFound: if there is none.
        """
        raise NotImplementedError

    def list(self) -> tuple[Bundle, ...]:
        """Return all, sorted by name."""
        raise NotImplementedError

    def unpack(self, bundle: Bundle) -> Path:
        """Return the bundle as a project folder, made once by digest; `read_plan` reads its plan.

        Raises:
            BundleInvalid: if its content is not what its digests say, or would leave the folder.
        """
        raise NotImplementedError


def default_name(project: Path) -> str:
    """Return the name of an image whose cog.yaml and command line name none."""
    raise NotImplementedError
