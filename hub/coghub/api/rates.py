"""The headers by which Replicate tells how many requests are left.

The hub does not throttle; it bounds its queue, and answers 429 beyond. Clients that read these
headers see Replicate's numbers, with the whole allowance left.
"""

PREDICTIONS_PER_MINUTE = b"600"
OTHERS_PER_MINUTE = b"3000"
RESET_S = b"1"


def rate_headers(method: str, path: str) -> list[tuple[bytes, bytes]]:
    """Return the headers for the answer to a request."""
    makes_prediction = method == "POST" and path.endswith("/predictions")
    remaining = PREDICTIONS_PER_MINUTE if makes_prediction else OTHERS_PER_MINUTE
    return [(b"ratelimit-remaining", remaining), (b"ratelimit-reset", RESET_S)]
