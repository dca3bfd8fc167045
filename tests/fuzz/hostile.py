"""Bytes that no well-behaved client sends."""

MANY = 100_000


def deep(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" + closing * depth


def inside(value: bytes) -> bytes:
    """Put a value where models, predictions and the API's bodies have one each."""
    return b'{"input":{"text":%b,"count":%b,"table":{"a":%b}},"name":%b,"webhook":%b}' % (
        (value,) * 5
    )


BODIES = {
    "empty": b"",
    "null": b"null",
    "text": b'"x"',
    "number": b"7",
    "NaN": b"NaN",
    "NaN inside": inside(b"NaN"),
    "infinity": inside(b"-Infinity"),
    "past all numbers": inside(b"1e400"),
    "smaller than all numbers": inside(b"-1e-400"),
    "huge integer": inside(b"9" * 5000),
    "65 bits": inside(b"%d" % 2**65),
    "long fraction": inside(b"0." + b"3" * 100_000),
    "deep lists": inside(deep(MANY)),
    "deep objects": inside(deep(MANY, b'{"a":', b"}")),
    "deep enough": inside(deep(60)),
    "only openings": b"[" * MANY,
    "duplicate keys": b'{"input":{"text":"a","text":"b"},"input":null,"id":"a","id":"b"}',
    "a hundred thousand keys": b'{"input":{'
    + b",".join(b'"%d":1' % n for n in range(MANY))
    + b"}}",
    "long key": b'{"input":{"' + b"k" * 1_000_000 + b'":1}}',
    "lone surrogate": inside(b'"\\ud800"'),
    "surrogate in UTF-8": inside(b'"\xed\xa0\x80"'),
    "half a UTF-8 character": inside(b'"\xf0\x9f"'),
    "nul": inside(b'"\\u0000"'),
    "raw nul": inside(b'"\0"'),
    "UTF-16": '{"input":{}}'.encode("utf-16"),
    "UTF-7": b"+AHsAfQ-",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "two values": b"{}{}",
    "many fields": b"&".join(b"f%d=1" % n for n in range(MANY)),
    "odd percents": b"name=%&password=%ff&id=%00&do=%zz&text=%ud800",
    "unended part": b'--x\r\nContent-Disposition: form-data; name="content"; filename="',
    "many parts": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 5000 + b"--x--",
    "long part head": b"--x\r\nContent-Disposition: form-data; name=" + b"n" * 200_000,
    "part with odd names": b"--x\r\nContent-Disposition: form-data; name=content; "
    b'filename="..\\/\xff\0"\r\nContent-Type: \xff\r\n\r\nabc\r\n--x--\r\n',
    "many part heads": b"--x\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
}
CONTENT_TYPES = [
    None,
    "",
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded; charset=nowhere",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "b" * 300,
    "application/vnd.oci.image.index.v1+json",
    "\xff/\xff",
    "a" * 5000,
]
"""None is the one that is right."""

LENGTH = b"content-length: "
GET = b"GET %b HTTP/1.1\r\nhost: 127.0.0.1\r\n"
HEADS = {
    "zeros": b"\0" * 100,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "lower case": b"get / http/1.1\r\n\r\n",
    "unknown method": b"HACK / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "long method": b"G" * 100_000 + b" / HTTP/1.1\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\n\r\n",
    "long path": b"GET /" + b"y" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
    "flood of headers": GET % b"/" + b"a: b\r\n" * 20_000 + b"\r\n",
    "flood of one header": GET % b"/" + b"cookie: a=b\r\n" * 4000 + b"\r\n",
    "flood of different headers": GET % b"/"
    + b"".join(b"h%d: b\r\n" % n for n in range(5000))
    + b"\r\n",
    "long header": GET % b"/" + b"a: " + b"b" * 1_000_000 + b"\r\n\r\n",
    "nameless header": GET % b"/" + b": x\r\n\r\n",
    "nul in header": GET % b"/" + b"a: b\0c\r\n\r\n",
    "folded header": GET % b"/" + b"a: b\r\n c\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nhost: 127.0.0.1\n\n",
    "two hosts": GET % b"/" + b"host: elsewhere\r\n\r\n",
    "upgrade": GET % b"/" + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "two lengths": GET % b"/" + LENGTH + b"2\r\n" + LENGTH + b"3\r\n\r\n{} ",
    "negative length": GET % b"/" + LENGTH + b"-1\r\n\r\n",
    "length past all numbers": GET % b"/" + LENGTH + b"9" * 6000 + b"\r\n\r\n",
    "odd digits": GET % b"/" + LENGTH + b"\xb2\r\n\r\n",
    "length and chunks": GET % b"/" + LENGTH + b"4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "no chunk size": GET % b"/" + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "negative chunk": GET % b"/" + b"transfer-encoding: chunked\r\n\r\n-1\r\n",
    "chunk past all numbers": GET % b"/"
    + b"transfer-encoding: chunked\r\n\r\n"
    + b"f" * 20
    + b"\r\n",
    "long chunk extension": GET % b"/"
    + b"transfer-encoding: chunked\r\n\r\n2;"
    + b"x" * 500_000
    + b"\r\n{}\r\n0\r\n\r\n",
    "flood of trailers": GET % b"/"
    + b"transfer-encoding: chunked\r\n\r\n0\r\n"
    + b"a: b\r\n" * 20_000
    + b"\r\n",
    "a hundred thousand chunks": GET % b"/"
    + b"transfer-encoding: chunked\r\n\r\n"
    + b"1\r\na\r\n" * 100_000
    + b"0\r\n\r\n",
}
PATHS = [
    b"/%00", b"/%zz", b"/%", b"/%ff%fe", b"/%ed%a0%80", b"/%0d%0aset-cookie:a", b"/..", b"/../..",
    b"/%2e%2e/%2e%2e/etc/passwd", b"/..%2f..%2fetc/passwd", b"//", b"/" * 5000, b"/a" * 5000, b"*",
    b"/?" + b"a=1&" * 5000, b"/?%00=%ff", b"/?a[]=1&a[b]=2", b"/#x", b"/;x", b"/\xff", b"/\xc3\xa9",
    b"http://elsewhere/", b"elsewhere:443", b"/v1/predictions/%00", b"/v1/predictions/%F0%9F%98%80",
    b"/v1/predictions?cursor=%00", b"/v2/%00/tags/list", b"/v2/" + b"a/" * 5000 + b"tags/list",
    b"/v2/..%2f..%2fx/manifests/latest", b"/predictions/%2e%2e", b"/static/x/../../../etc/passwd",
    b"/static/x/%2e%2e%2f%2e%2e%2fapp.py", b"/files/%2e%2e/x", b"/p/%0a/logs", b"/%u0041",
]  # fmt: skip
