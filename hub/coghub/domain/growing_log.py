"""A log that is told anew, whole, each time somebody asks: what is new in it?

Of a long one the server keeps the first and the last part, and says between them what is missing.
"""

import re

_GAP = re.compile("\n\\[… (\\d+) bytes of logs dropped …\\]\n".encode())


class GrowingLog:
    """What was shown of such a log."""

    def __init__(self) -> None:
        self._shown_bytes = 0
        """As the log was printed: bytes that are missing count too."""

    def unseen(self, told: str) -> bytes:
        """Return what was not returned before."""
        logs = told.encode("utf-8", "replace")
        gap = _GAP.search(logs)
        if gap is None:
            return self._after(logs, start=0)
        resumes_at = gap.start() + int(gap[1])
        before = b""
        if self._shown_bytes < resumes_at:
            before = self._after(logs[: gap.start()], start=0) + gap[0]
        return before + self._after(logs[gap.end() :], start=resumes_at)

    def _after(self, logs: bytes, *, start: int) -> bytes:
        new = logs[max(0, self._shown_bytes - start) :]
        self._shown_bytes = max(self._shown_bytes, start + len(logs))
        return new
