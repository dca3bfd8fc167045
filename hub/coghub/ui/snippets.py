"""Commands and programs that run a version with some input, ready to paste."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

JSON_WORDS = {True: "True", False: "False", None: "None"}


@dataclass(frozen=True, slots=True)
class Snippet:
    """How one kind of client does it."""

    name: str
    """Of the client, for people."""
    setup: str
    """Commands for a shell, to be run once."""
    code: str


def snippets_of(base: str, model: str, version_id: str, inputs: Mapping[str, Any]) -> list[Snippet]:
    """Return what runs a version.

    Args:
        base: the hub's address, without a slash at its end.
        model: `owner/name`.
        version_id: the version.
        inputs: what it is given.
    """
    named = f"{model}:{version_id}"
    return [
        Snippet("Python", f"pip install replicate\n{_token(base)}", _python(named, inputs)),
        Snippet("JavaScript", f"npm install replicate\n{_token(base)}", _javascript(named, inputs)),
        Snippet("curl", _token(base), _curl(version_id, inputs)),
        Snippet("cog", f"cog login {base}", _cog(base, model, inputs)),
    ]


def target_snippets(target: str, inputs: Mapping[str, Any]) -> list[Snippet]:
    """Return what asks a model's own server, without a hub."""
    body = {"input": dict(inputs)}
    python = (
        "import json, urllib.request\n\n"
        f"request = urllib.request.Request(\n    {_literal(f'{target}/predictions')},\n"
        f"    json.dumps({_literal(body)}).encode(),\n"
        '    {"Content-Type": "application/json"},\n)\n'
        'print(json.load(urllib.request.urlopen(request))["output"])'
    )
    javascript = (
        f"const response = await fetch({json.dumps(f'{target}/predictions')}, {{\n"
        '  method: "POST",\n  headers: { "Content-Type": "application/json" },\n'
        f"  body: JSON.stringify({_json(body)}),\n}});\n"
        "console.log((await response.json()).output);"
    )
    curl = (
        f"curl -s {target}/predictions \\\n  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(_json(body))}"
    )
    return [
        Snippet("Python", "", python),
        Snippet("JavaScript", "", javascript),
        Snippet("curl", "", curl),
    ]


def _token(base: str) -> str:
    return f"export REPLICATE_BASE_URL={base}\nexport REPLICATE_API_TOKEN=YOUR-TOKEN"


def _python(named: str, inputs: Mapping[str, Any]) -> str:
    fields = "".join(f"        {_literal(name)}: {_literal(it)},\n" for name, it in inputs.items())
    given = f"{{\n{fields}    }}" if fields else "{}"
    return (
        "import replicate\n\n"
        f"output = replicate.run(\n    {_literal(named)},\n    input={given},\n)\n"
        "print(output)"
    )


def _literal(value: Any) -> str:
    """Return a value of JSON as Python writes it, text with double quotes."""
    match value:
        case bool() | None:
            return JSON_WORDS[value]
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case Mapping():
            pairs = (f"{_literal(str(name))}: {_literal(it)}" for name, it in value.items())
            return f"{{{', '.join(pairs)}}}"
    return repr(value)


def _javascript(named: str, inputs: Mapping[str, Any]) -> str:
    return (
        'import Replicate from "replicate";\n\n'
        "const replicate = new Replicate({ baseUrl: `${process.env.REPLICATE_BASE_URL}/v1` });\n"
        f"const output = await replicate.run(\n  {json.dumps(named)},\n"
        f"  {{ input: {_json(inputs)} }},\n);\nconsole.log(output);"
    )


def _curl(version_id: str, inputs: Mapping[str, Any]) -> str:
    body = _json({"version": version_id, "input": dict(inputs)})
    return (
        'curl -s "$REPLICATE_BASE_URL/v1/predictions" \\\n'
        '  -H "Authorization: Bearer $REPLICATE_API_TOKEN" \\\n'
        "  -H 'Content-Type: application/json' -H 'Prefer: wait' \\\n"
        f"  -d {shlex.quote(body)}"
    )


def _cog(base: str, model: str, inputs: Mapping[str, Any]) -> str:
    flags = "".join(
        f" \\\n  -i {shlex.quote(f'{name}={_given(it)}')}" for name, it in inputs.items()
    )
    return f"cog predict {urlsplit(base).netloc}/{model}{flags}"


def _given(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
