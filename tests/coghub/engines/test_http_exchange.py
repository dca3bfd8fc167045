import select
import socket
import threading

import pytest

from coghub.engines.http_exchange import Exchange


class Peer:
    """A server that reads one request and answers with these bytes, piece by piece."""

    def __init__(self, *answer):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.request = b""
        self._answer = answer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            while not self._is_whole():
                self.request += connection.recv(65536)
            for piece in self._answer:
                connection.sendall(piece)

    def _is_whole(self):
        head, _, body = self.request.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
        wanted = int(lengths[0].split(b":")[1]) if lengths else 0
        return b"\r\n\r\n" in self.request and len(body) >= wanted

    def close(self):
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def ask():
    """Ask a peer that answers so; returns the exchange and the body in the pieces it came in."""
    peers = []

    def run(*answer, body=b""):
        peer = Peer(*answer)
        peers.append(peer)
        exchange = Exchange(peer.address, "PUT", "/predictions/x", body=body, headers={"A": "b"})
        exchange.connect()
        received = []
        try:
            while not exchange.is_complete:
                wanted = [exchange] if exchange.wants_to_write else []
                select.select([exchange], wanted, [], 10)
                received.append(exchange.advance())
        finally:
            exchange.close()
        return exchange, b"".join(received), peer

    yield run
    for peer in peers:
        peer.close()


def test_an_answer_with_a_length_is_read(ask):
    exchange, body, peer = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\nhello")

    assert (exchange.status, body) == (200, b"hello")
    assert exchange.headers == {"content-length": "5", "x-y": "z"}
    assert peer.request.startswith(b"PUT /predictions/x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nA: b\r\n" in peer.request


def test_an_answer_in_chunks_is_read_to_its_end(ask):
    exchange, body, _ = ask(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n",
        b"2\r\nde\r\n0\r\n\r\n",
    )

    assert (exchange.status, body) == (200, b"abcde")


def test_an_answer_may_end_with_its_connection(ask):
    _, body, _ = ask(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel", b"lo")

    assert body == b"hello"


def test_a_large_request_goes_out_in_pieces(ask):
    content = b"x" * 2_000_000

    _, _, peer = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", body=content)

    assert peer.request.endswith(content)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"],
        [b"nonsense\r\n\r\n"],
    ],
)
def test_an_answer_that_breaks_off_is_an_error(ask, answer):
    with pytest.raises(ConnectionResetError):
        ask(*answer)


def test_nobody_listening_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()

    with pytest.raises(ConnectionRefusedError):
        Exchange(address, "GET", "/").connect()
