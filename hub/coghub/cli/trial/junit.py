"""Results as JUnit XML, which CI systems show.

Source: the schema of Jenkins' JUnit plugin, in the elements that all readers know.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from coghub.cli.trial.result import Result

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have, not even escaped."""
MAX_LOG_CHARACTERS = 100_000
"""The end of a log is what matters, and viewers choke on more."""


def junit_xml(name: str, results: Sequence[Result]) -> bytes:
    """Return a document with a suite for each kind of result.

    Args:
        name: of the project.
        results: in the order in which they came.
    """
    root = ET.Element("testsuites", _sums(results), name=printable(name))
    for kind, group in groupby(results, key=lambda it: it.kind):
        members = list(group)
        suite = ET.SubElement(root, "testsuite", _sums(members), name=printable(f"{name}.{kind}"))
        for result in members:
            suite.append(_case(result, f"{name}.{kind}"))
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def printable(text: str) -> str:
    """Return a text in which what XML cannot hold is written as Python would."""
    return _FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _case(result: Result, suite: str) -> ET.Element:
    time = f"{result.duration_s or 0:.3f}"
    case = ET.Element(
        "testcase", name=printable(result.name), classname=printable(suite), time=time
    )
    if result.reasons:
        first = result.reasons[0].partition("\n")[0]
        failure = ET.SubElement(case, "failure", message=printable(first), type=result.kind)
        failure.text = printable("\n".join(result.reasons))
    if result.logs:
        ET.SubElement(case, "system-out").text = printable(result.logs[-MAX_LOG_CHARACTERS:])
    return case


def _sums(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not it.has_passed for it in results)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(it.duration_s or 0 for it in results):.3f}",
    }
