"""What a project's requirements say of one package, whatever else stands on the line."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from coghub.build.requirement_lines import name_of, normalised


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requirement of a package that has rows in a table."""

    line: str
    requirement: Requirement

    @property
    def name(self) -> str:
        """As indexes compare it."""
        return normalised(self.requirement.name)

    @property
    def pinned(self) -> Version | None:
        """The exact version, where there is one."""
        exact = [one.version for one in self.requirement.specifier if one.operator in ("==", "===")]
        try:
            return Version(exact[0]) if exact and "*" not in exact[0] else None
        except InvalidVersion:
            return None

    @property
    def tag(self) -> str | None:
        """The local part of a pinned version, such as "cu121"."""
        return self.pinned.local if self.pinned else None

    @property
    def is_elsewhere(self) -> bool:
        """Its source is fixed by the line itself: a URL, or the hashes of certain files."""
        return self.requirement.url is not None or "--hash=" in self.line

    def allows(self, version: Version) -> bool:
        """Tell whether a release fits."""
        if self.pinned is not None:
            return self.pinned.release == version.release
        return self.requirement.specifier.contains(version, prereleases=True)

    def shown(self) -> str:
        """Return what stands for the version in a message."""
        pinned = self.pinned
        return str(pinned.public) if pinned else str(self.requirement.specifier) or "any version"


def wanted(lines: Iterable[str], *names: str) -> Wanted | None:
    """Return the first requirement of one of these packages."""
    for line in lines:
        if name_of(line) in names:
            try:
                requirement = Requirement(line.partition(" --")[0].strip())
            except InvalidRequirement:
                continue
            return Wanted(line, requirement)
    return None
