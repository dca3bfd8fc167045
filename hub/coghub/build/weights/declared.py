"""What `weights` of cog.yaml says, checked.

Source: contract 08, section 8.1.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coghub.build.weights.patterns import is_pattern
from coghub.domain.errors import ConfigInvalid

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Source:
    """Where files come from."""

    uri: str
    include: tuple[str, ...] = ()
    """Patterns; where there are some, only what fits one is taken."""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weight:
    """A folder of files that a run sees at `target`."""

    name: str
    target: str
    """Absolute, without a slash at its end."""
    sources: tuple[Source, ...]


def declared(entries: Sequence[Mapping[str, Any]]) -> list[Weight]:
    """Return the weights of cog.yaml.

    Raises:
        ConfigInvalid: with one line for each mistake.
    """
    problems = list[str]()
    weights = [_weight(entry, at, problems) for at, entry in enumerate(entries)]
    _check_together(weights, problems)
    if problems:
        raise ConfigInvalid("\n".join(problems))
    return weights


def _weight(entry: Mapping[str, Any], at: int, problems: list[str]) -> Weight:
    name, target = str(entry.get("name") or ""), str(entry.get("target") or "")
    place = f'weights.{at} "{name}"' if name else f"weights.{at}"
    if not NAME.fullmatch(name):
        problems.append(
            f"{place}: name must be lower-case letters and digits, with `.`, `_` or `-` between"
        )
    if not target:
        problems.append(f"{place}: target is required")
    elif not target.startswith("/"):
        problems.append(f"{place}: target must be an absolute path: {target}")
    clean = "/" + posixpath.normpath(target).lstrip("/") if target else ""
    if clean == "/":
        problems.append(f'{place}: target must not be the container root "/"')
    sources = entry.get("source")
    listed = sources if isinstance(sources, list) else [sources]
    return Weight(name, clean, tuple(_source(it, place, problems) for it in listed))


def _source(entry: Any, place: str, problems: list[str]) -> Source:
    if not isinstance(entry, Mapping) or not entry.get("uri"):
        problems.append(f"{place}: source needs a uri")
        return Source("")
    include, exclude = (_patterns(entry.get(it), place, problems) for it in ("include", "exclude"))
    return Source(str(entry["uri"]), include, exclude)


def _patterns(listed: Any, place: str, problems: list[str]) -> tuple[str, ...]:
    if listed is None:
        return ()
    if not isinstance(listed, list):
        problems.append(f"{place}: include and exclude are lists of patterns")
        return ()
    patterns = tuple(sorted(str(it) for it in listed))
    for pattern in patterns:
        if not pattern.strip():
            problems.append(f"{place}: a pattern must not be empty")
        elif pattern.startswith("!"):
            problems.append(
                f"{place}: negation patterns (starting with '!') are not supported: {pattern}"
            )
        elif "\\" in pattern:
            problems.append(f"{place}: a pattern must not have a backslash: {pattern}")
        elif not is_pattern(pattern):
            problems.append(f"{place}: not a pattern: {pattern}")
    return patterns


def _check_together(weights: Sequence[Weight], problems: list[str]) -> None:
    names, targets = set[str](), list[str]()
    for weight in weights:
        if weight.name in names:
            problems.append(f'duplicate weight name "{weight.name}"')
        names.add(weight.name)
        for other in targets:
            if weight.target == other:
                problems.append(f'duplicate weight target "{other}"')
            elif f"{weight.target}/".startswith(f"{other}/") or f"{other}/".startswith(
                f"{weight.target}/"
            ):
                problems.append(
                    f'target overlaps with "{other}"; weight targets must be disjoint: '
                    f"{weight.target}"
                )
        targets.append(weight.target)
