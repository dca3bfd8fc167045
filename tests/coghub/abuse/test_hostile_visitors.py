"""Browsers, and what pretends to be one, ask for pages in every odd way."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_asgi import ask

from coghub.app import asgi
from coghub.web.site import cookie_name

TEXTS = [
    "", "alice", "paint", "-1", "0", "9" * 40, "a" * 5000, "\0", "\n", "é", "💥", "../..", "%00",
    "a" * 64, "a" * 26, "<script>", "{}", "[]", "null", '"', "1e999", "NaN", "msg_x", "public",
    "ftp://x", "javascript:alert(1)", "//evil.example", "\udcff",
]  # fmt: skip
PATHS = [
    "/", "/explore", "/login", "/signup", "/create", "/account", "/account/tokens",
    "/account/tokens/revoke", "/account/password", "/webhooks", "/webhooks/replay", "/dashboard",
    "/dashboard/now", "/dashboard/instances/{}", "/admin", "/admin/users", "/admin/tokens",
    "/admin/password", "/admin/gc", "/predictions", "/uploads", "/uploads/{}", "/p/{}",
    "/p/{}/logs", "/p/{}/output.json", "/p/{}/inputs/{}", "/p/{}/cancel",
    "/p/{}/example", "/p/{}/delete", "/alice/{}", "/alice/{}/api", "/alice/{}/settings",
    "/alice/{}/train",
    "/alice/{}/versions/{}", "/alice/{}/versions/{}/run", "/alice/{}/versions/{}/check",
    "/static/{}/{}", "/{}/{}",
]  # fmt: skip
NAMES = [
    "name", "password", "next", "do", "id", "csrf", "q", "cursor", "model", "status", "source",
    "time", "visibility", "hardware", "value", "_v", "_p", "_from", "old", "new", "text", "image",
]  # fmt: skip
KINDS = [
    "application/x-www-form-urlencoded",
    "application/json",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "",
]

texts = st.sampled_from(TEXTS)
fields = st.dictionaries(st.sampled_from(NAMES), texts, max_size=4)
bodies = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda it: urlencode(it, errors="replace").encode(), fields),
    st.sampled_from([b'{"input": {}}', b'{"input": {"image": "\\ud800"}}', b'{"input": [', b"[]"]),
    st.just(b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nabc\r\n--x--\r\n'),
)


@pytest.fixture
async def whole(hub, alices):
    """The hub, the cookies of nobody, of alice and of an administrator, and what there is."""
    chief = await hub.accounts.create("chief", is_admin=True)
    alice = await hub.accounts.get("alice")
    keys = [await hub.sessions.begin(account) for account in (alice, chief)]
    found = [await hub.sessions.find(key) for key in keys]
    sessions = [("", ""), *((key, it.csrf) for key, it in zip(keys, found, strict=True))]
    return asgi(hub), sessions, {"a" * 26: alices.prediction.id, "paint": alices.model.name}


@given(
    method=st.sampled_from(["GET", "GET", "POST", "POST", "HEAD", "PUT", "QUERY"]),
    path=st.sampled_from(PATHS),
    segments=st.tuples(texts, texts),
    query=fields,
    sent=st.tuples(st.integers(0, 2), st.sampled_from(KINDS), bodies),
)
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_page_answers_with_a_server_error(whole, method, path, segments, query, sent):
    app, sessions, known = whole
    who, kind, body = sent
    key, csrf = sessions[who]
    parts = [quote(known.get(it, it), errors="replace") for it in segments]
    headers = [
        (b"host", b"hub.test"),
        (b"content-type", kind.encode()),
        (b"sec-fetch-site", b"same-origin"),
        (b"x-csrf-token", csrf.encode()),
        (b"cookie", f"{cookie_name('http://hub.test')}={key}".encode()),
    ]
    if kind.startswith("application/x-www"):
        body += f"&csrf={csrf}".encode()

    answer = await ask(
        app,
        method,
        path.format(*parts),
        headers=headers,
        body=body,
        query=urlencode(query, errors="replace").encode(),
    )

    assert answer.status < 500, (method, path, answer.body)
