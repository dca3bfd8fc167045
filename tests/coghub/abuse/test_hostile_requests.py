"""Whatever a request holds, the answer is one that a client can act upon: never a 5xx."""

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_asgi import ask

from coghub.api.app import PARTS
from coghub.registry.app import _places

HOSTILE = [
    "", ".", "..", "...", "%2e%2e", "\0", "\n", " ", "*", "'", '" OR 1=1', "\u202e", "é", "\ufffd",
    "💥", "a" * 300, "a" * 5000, "A", "-", "_", "a--b", "sha256:", "sha256:" + "0" * 64,
    "sha512:" + "0" * 128, "sha256:../../etc/passwd", "latest", "_catalog", "blobs", "uploads",
    "manifests", "tags", "list", "0", "-1", "1e9", "9" * 40, "null", "v1", "v2", "files", "streams",
    "<script>", "{}", "a:b", "a@b", "a%00",
]  # fmt: skip
WORDS = [
    "version", "input", "webhook", "webhook_events_filter", "stream", "text", "count", "key",
    "file", "nested", "owner", "name", "visibility", "hardware", "description", "readme",
    "github_url", "schemaVersion", "mediaType", "config", "layers", "manifests", "digest", "size",
    "subject", "annotations", "artifactType", "urls", "token", "username", "password", "query",
    "cursor", "",
]  # fmt: skip
VALUES = [
    None, True, 0, -1, 2**53, 2**64, -(2**70), 1.5, 1e308, "", "x", "\0", "é", "\ud800",
    "a" * 2000, "a" * 64, "alice/secret-painter", "alice", "alice/secret-painter:" + "a" * 64,
    "public", "private", "cpu", "http://[", "http://127.0.0.1:1/", "//x", "data:",
    "data:;base64,%", "javascript:1", "start",
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
    "sha256:" + "0" * 64, "coghub:/files/x/y",
]  # fmt: skip
HEADERS = {
    "content-type": ["application/json", "multipart/form-data", "multipart/form-data; boundary=x",
                     "multipart/form-data; boundary=", "text/plain; charset=\xff", "", "x" * 900,
                     "application/x-www-form-urlencoded", "application/octet-stream",
                     "application/vnd.oci.image.manifest.v1+json"],
    "prefer": ["wait=0.01", "wait=-1", "wait=x", "respond-async", "wait=9e99", "wait=\xff", ",,="],
    "cancel-after": ["0", "1s", "-5m", "x", "9" * 40, "1e9h", "\xff"],
    "accept": ["*/*", "text/event-stream", "application/json;q=x", "\xff"],
    "last-event-id": ["0", "-1", "x", "9" * 40, "1:1", "\xff"],
    "range": ["bytes=0-", "bytes=5-1", "bytes=-0", "bytes=a-b", "x", "bytes=" + "0-0," * 500],
    "content-range": ["0-1", "bytes 0-1/2", "5-1", "x", "9" * 40 + "-" + "9" * 41],
    "content-length": ["0", "5", "-1", "x", "9" * 30],
    "host": ["", "x", "a b", "[::1", "evil.example", "\xff", "x:99999"],
    "if-none-match": ["*", '"x"', "\xff"],
    "cookie": ["session=x", "\xff", ";;;=", "x" * 5000],
    "idempotency-key": ["x", "\xff"],
    "x-forwarded-for": ["127.0.0.1", "\xff", "x"],
    "x-forwarded-proto": ["https", "\xff", "javascript"],
    "docker-content-digest": ["x"],
}  # fmt: skip
AUTHORIZATIONS = [
    None, "", "Bearer", "Bearer ", "Token x", "Bearer chub_x", "Basic", "Basic !!", "Basic Og==",
    "Basic YWxpY2U6eA==", "Basic /////w==", "Digest x", "Bearer \xff", "Bearer " + "x" * 5000,
]  # fmt: skip
PART = b"--x\r\nContent-Disposition: form-data; name=%s"
BODIES = [
    b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 20_000, b'"\\ud800"',
    b"--x\r\n\r\n", PART % b"content" + b"\r\n\r\nx\r\n--x--",
    PART % b'"content"; filename="\xff\0"' + b"\r\n\r\nx\r\n--x--\r\n",
    b"a=1&b=%ff", b"9" * 5000, b'{"input":{},"input":{}}', b'{"input": 1e999}', b"\0" * 100,
]  # fmt: skip
METHODS = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS", "TRACE", "CONNECT", "get",
    "X-Y",
]  # fmt: skip

values = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(WORDS), values, max_size=6)
bodies = st.one_of(
    st.sampled_from(BODIES), objects.map(lambda it: json.dumps(it).encode()), st.binary(max_size=60)
)
headers = st.lists(
    st.sampled_from(sorted(HEADERS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]))
    ),
    max_size=4,
)
queries = st.one_of(
    st.just(b""),
    st.sampled_from(
        [b"cursor=x", b"cursor=%00", b"cursor=" + b"A" * 3000, b"%ff", b"a=1&a=2", b"n=-1", b"n=x",
         b"n=99999999999999999999", b"last=%ff", b"digest=x", b"digest=sha256:" + b"0" * 64,
         b"mount=sha256:" + b"0" * 64 + b"&from=alice/secret-painter", b"scope=x", b"service=%00",
         b"scope=repository:alice/x:pull,push", b"created_after=x", b"created_before=9999-99-99",
         b"created_after=0001-01-01T00:00:00%2B23:59", b"source=x", b"sort_by=x",
         b"expiry=x&owner=a", b"signature=%ff&expiry=1&owner=alice", b"artifactType=%00",
         b"query=%22%27%2A", b";;;"]
    ),
)  # fmt: skip


class Anything:
    """Stands for the hub while routes are only listed."""

    def __getattr__(self, name):
        return self

    def __call__(self, *given, **named):
        return self


def routes():
    """Return method and path of everything that the hub answers, with `{}` for what varies."""
    hub = Anything()
    api = [route for part in PARTS for route in part(hub).routes()]
    found = [(method, re.sub(r"\{[^}]*\}", "{}", it.path)) for it in api for method in it.methods]
    for place in _places(hub):
        path = place.path.pattern.replace("/?", "/").replace("\\", "")
        path = re.sub(r"\(\?P<\w+>[^)]*\)", "{}", path)
        found += [(method, path) for method in place.answers]
    return sorted(found)


def fill(template, segments):
    """Put segments where a path has room for them."""
    for segment in segments:
        template = template.replace("{}", segment, 1)
    return template


MINE = ["alice", "secret-painter", "alice/secret-painter", "PREDICTION", "a" * 64]
segments = st.one_of(st.sampled_from(MINE), st.sampled_from([*HOSTILE, *MINE]))
placed = st.one_of(
    st.tuples(st.just("alice"), st.just("secret-painter"), segments),
    st.tuples(st.just("alice/secret-painter"), segments, segments),
    st.tuples(segments, segments, segments),
)
known = st.builds(
    lambda call, chosen: (call[0], fill(call[1], chosen)), st.sampled_from(routes()), placed
)
unknown = st.builds(
    lambda method, prefix, path, chosen: (method, prefix + fill(path, chosen)),
    st.sampled_from(METHODS),
    st.sampled_from(["", "/v1", "/v1/v1", "/"]),
    st.sampled_from([*(path for _, path in routes()), "/{}", "/{}/{}", "/p/{}", "*", ""]),
    placed,
)


authorizations = st.integers(0, 5).flatmap(
    lambda n: st.just("MINE") if n else st.sampled_from(AUTHORIZATIONS)
)


@given(
    call=st.integers(0, 4).flatmap(lambda n: known if n else unknown),
    query=queries,
    said=st.tuples(authorizations, headers),
    body=bodies,
)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_request_is_answered_with_a_server_error(app, alices, call, query, said, body):
    (method, path), (authorization, others) = call, said
    token = f"Bearer {alices.token}" if authorization == "MINE" else authorization
    given_headers = [*others, *([("authorization", token)] if token is not None else [])]

    answer = await ask(
        app,
        method,
        path.replace("PREDICTION", alices.prediction.id),
        query=query,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in given_headers],
        body=body,
    )

    assert 200 <= answer.status < 500, answer
