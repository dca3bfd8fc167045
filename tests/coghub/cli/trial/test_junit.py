from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from coghub.cli.trial.junit import junit_xml, printable
from coghub.cli.trial.result import Result

RESULTS = st.builds(
    Result,
    st.text(),
    st.lists(st.text(), max_size=2).map(tuple),
    st.text(),
    st.none() | st.floats(0, 1000),
    st.sampled_from(["tests", "fuzz"]),
)


@given(st.text(), st.lists(RESULTS))
def test_whatever_a_model_says_the_document_can_be_read(name, results):
    root = ET.fromstring(junit_xml(name, results))

    assert len(root.findall(".//testcase")) == len(results)
    assert len(root.findall(".//failure")) == sum(not it.has_passed for it in results)
    assert int(root.attrib["tests"]) == len(results)
    assert int(root.attrib["failures"]) == sum(not it.has_passed for it in results)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_names_and_reasons_come_back(text):
    root = ET.fromstring(junit_xml("p", [Result(text, (text,), kind="fuzz")]))

    case, failure = root.find(".//testcase"), root.find(".//failure")
    assert case.attrib == {"name": text, "classname": "p.fuzz", "time": "0.000"}
    assert failure.attrib == {"message": text, "type": "fuzz"}
    assert (failure.text or "") == text


def test_what_xml_cannot_hold_is_written_as_python_would():
    assert printable("a\x1b[31m\x00\ud800\tb\n") == "a\\x1b[31m\\x00\\ud800\tb\n"


def test_each_kind_of_result_is_a_suite():
    results = [Result("a"), Result("b", ("no",)), Result("c", kind="fuzz")]

    root = ET.fromstring(junit_xml("p", results))

    assert [(suite.attrib["name"], suite.attrib["failures"]) for suite in root] == [
        ("p.tests", "1"),
        ("p.fuzz", "0"),
    ]
