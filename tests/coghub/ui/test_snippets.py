"""Snippets say what is meant, whatever the values hold; that they run is told in acceptance."""

import ast
import json
import shlex

from coghub.ui.snippets import snippets_of, target_snippets

INPUTS = {
    "text": 'it\'s "quoted" $HOME `x` \\n\n二',
    "number": 1.5,
    "is_it": True,
    "nothing": None,
    "list": [1, "a", {"b": False}],
}


def by_name(found):
    return {it.name: it for it in found}


def test_python_has_the_very_values():
    code = by_name(snippets_of("http://hub", "a/b", "f" * 64, INPUTS))["Python"].code

    call = ast.parse(code).body[1].value
    assert ast.literal_eval(call.args[0]) == f"a/b:{'f' * 64}"
    assert ast.literal_eval(call.keywords[0].value) == INPUTS


def test_curl_and_cog_survive_the_shell():
    found = by_name(snippets_of("http://hub:1", "a/b", "f" * 64, INPUTS))

    curl = shlex.split(found["curl"].code.replace("\\\n", ""))
    assert json.loads(curl[-1]) == {"version": "f" * 64, "input": INPUTS}
    cog = shlex.split(found["cog"].code.replace("\\\n", ""))
    assert cog[:3] == ["cog", "predict", "hub:1/a/b"]
    assert f"text={INPUTS['text']}" in cog


def test_a_server_without_a_hub_is_asked_directly():
    found = by_name(target_snippets("http://127.0.0.1:5000", INPUTS))

    curl = shlex.split(found["curl"].code.replace("\\\n", ""))
    assert curl[2] == "http://127.0.0.1:5000/predictions"
    assert json.loads(curl[-1]) == {"input": INPUTS}
    ast.parse(found["Python"].code)
