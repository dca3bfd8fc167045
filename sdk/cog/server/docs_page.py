"""`GET /docs`: what this model takes and gives, and a place to try it.

One page, made from the OpenAPI document. It asks no other host for anything: style and script are
in it, and its content security policy allows no more.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

CONTENT_TYPE = b"text/html; charset=utf-8"
MAX_SHOWN = 200
"""Characters of a default value."""

HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
         border-bottom: 1px solid #8884; }
code, pre, textarea { font: 14px/1.5 ui-monospace, monospace; }
pre { background: #8882; padding: .8rem; overflow: auto; white-space: pre-wrap; }
textarea { width: 100%; box-sizing: border-box; }
button { font: inherit; padding: .4rem 1.2rem; }
.quiet { opacity: .75; }
"""

SCRIPT = """
const form = document.querySelector("form");
const answer = document.querySelector("#answer");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  answer.hidden = false;
  answer.textContent = "Running\\u2026";
  try {
    const response = await fetch(form.dataset.path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: form.elements.body.value,
    });
    const text = await response.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON */ }
    answer.textContent = `${response.status} ${response.statusText}\\n${shown}`;
  } catch (error) {
    answer.textContent = `No answer: ${error.message}`;
  } finally {
    button.disabled = false;
  }
});
"""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; style-src 'sha256-{_hash(STYLE)}'; script-src 'sha256-{_hash(SCRIPT)}'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    f"content-security-policy: {POLICY}\r\nx-content-type-options: nosniff\r\n"
    "referrer-policy: no-referrer\r\n"
).encode()


class Words(NamedTuple):
    """What a page about predictions or trainings is made of."""

    noun: str
    component: str
    output: str


WORDS = {
    "prediction": Words("prediction", "Input", "Output"),
    "training": Words("training", "TrainingInput", "TrainingOutput"),
}


def render(document: bytes, *, noun: str, host: str) -> bytes:
    """Return the page of a document, for a server of predictions or of trainings.

    Args:
        document: OpenAPI, as JSON; what is missing in it is missing on the page.
        noun: `prediction` or `training`.
        host: How the client calls this server, for the command that it may copy.
    """
    words = WORDS[noun]
    read: Any = json.loads(document)
    schemas = _dict(_dict(read.get("components")).get("schemas"))
    inputs = _dict(schemas.get(words.component))
    title = escape(str(_dict(read.get("info")).get("title") or "Cog"))
    path = f"/{noun}s"
    body = json.dumps({"input": _example(inputs, schemas)}, indent=2)
    sections = (
        f"<h1>{title}</h1>",
        f"<p>A model that is asked by HTTP. {_links()}</p>",
        f"<h2>Inputs</h2>{_inputs(inputs, schemas)}",
        f"<h2>Output</h2><pre>{_pretty(schemas.get(words.output, {}))}</pre>",
        f"<h2>Try it</h2>{_form(path, body)}",
        f"<h2>From a shell</h2><pre>{escape(_curl(host, path, body))}</pre>",
        f"<h2>Requests</h2>{_requests(read)}",
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f"<main>{''.join(sections)}</main><script>{SCRIPT}</script></body></html>"
    ).encode(errors="replace")


def _links() -> str:
    places = {
        "/openapi.json": "OpenAPI document",
        "/health-check": "health",
        "/metrics": "metrics",
    }
    return " · ".join(f'<a href="{path}">{text}</a>' for path, text in places.items())


def _inputs(component: dict[str, Any], schemas: dict[str, Any]) -> str:
    required = component.get("required") or ()
    rows = [
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_type(rules))}</td>"
        f"<td>{escape(_presence(name, rules, required))}</td>"
        f"<td>{escape('; '.join(_said(rules)))}</td></tr>"
        for name, rules in _properties(component, schemas)
    ]
    if not rows:
        return "<p>None.</p>"
    head = "<tr><th>name</th><th>type</th><th>default</th><th>meaning</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _properties(
    component: dict[str, Any], schemas: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the inputs in their order, each with the rules that it refers to."""
    properties = _dict(component.get("properties"))
    order = sorted(properties, key=lambda name: _dict(properties[name]).get("x-order", 0))
    for name in order:
        rules = _dict(properties[name])
        for part in rules.get("allOf") or ():
            reference = str(_dict(part).get("$ref", ""))
            rules = {**_dict(schemas.get(reference.rpartition("/")[2])), **rules}
        yield name, rules


def _type(rules: dict[str, Any]) -> str:
    if rules.get("anyOf"):
        return " or ".join(_type(_dict(one)) for one in rules["anyOf"])
    if rules.get("type") == "array":
        return f"list of {_type(_dict(rules.get('items')))}"
    if rules.get("format") == "uri":
        return "file (URL or data URI)"
    return str(rules.get("type", "any"))


def _presence(name: str, rules: dict[str, Any], required: Any) -> str:
    if name in required:
        return "required"
    default = rules.get("default")
    return "optional" if default is None else json.dumps(default)[:MAX_SHOWN]


def _said(rules: dict[str, Any]) -> Iterator[str]:
    """Yield what is known of an input's values, for people."""
    description = str(rules.get("description") or "").rstrip(".")
    if description and description != "An enumeration":
        yield description
    if rules.get("enum"):
        yield f"One of {', '.join(json.dumps(one) for one in rules['enum'])}"[: 5 * MAX_SHOWN]
    limits = {
        "minimum": "at least",
        "maximum": "at most",
        "minLength": "characters, at least",
        "maxLength": "characters, at most",
        "pattern": "matches",
    }
    for key, text in limits.items():
        if key in rules:
            yield f"{text} {rules[key]}"
    if rules.get("deprecated"):
        yield "Deprecated"


def _example(component: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return an input that the schema takes: a value for what is required."""
    required = component.get("required") or ()
    known = _properties(component, schemas)
    return {name: _value(rules) for name, rules in known if name in required}


def _value(rules: dict[str, Any]) -> Any:
    if rules.get("enum"):
        return rules["enum"][0]
    if rules.get("anyOf"):
        return _value(_dict(rules["anyOf"][0]))
    if rules.get("format") == "uri":
        return "data:text/plain,hello"
    number = rules.get("minimum", 1)
    plain: dict[str, Any] = {"integer": number, "number": number, "boolean": True}
    empty: dict[str, Any] = {"array": [], "object": {}}
    return {**plain, **empty}.get(str(rules.get("type")), "hello")


def _form(path: str, body: str) -> str:
    lines = body.count("\n") + 2
    size = f'rows="{min(20, lines)}"'
    return (
        f'<form data-path="{path}"><p><label for="body">Body of POST {path}</label></p>'
        f'<textarea id="body" name="body" {size} spellcheck="false">{escape(body)}</textarea>'
        '<p><button>Run</button></p></form><pre id="answer" aria-live="polite" hidden></pre>'
    )


def _curl(host: str, path: str, body: str) -> str:
    host = host if HOST.fullmatch(host) else "localhost:5000"
    quoted = json.dumps(json.loads(body)).replace("'", "'\\''")
    return (
        f"curl -s http://{host}{path} \\\n  -H 'Content-Type: application/json' \\\n  -d '{quoted}'"
    )


def _requests(document: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(method.upper())} {escape(path)}</code></td>"
        f'<td class="quiet">{escape(str(_dict(operation).get("summary") or ""))}</td></tr>'
        for path, operations in _dict(document.get("paths")).items()
        for method, operation in _dict(operations).items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _pretty(value: Any) -> str:
    return escape(json.dumps(value, indent=2))


def _dict(value: Any) -> dict[str, Any]:
    """Return an object of the document; a document that a user gave may hold anything."""
    return value if isinstance(value, dict) else {}
