"""Passes what the model prints on to the container's log, in whole lines."""

from cog.server.container_log import ContainerLog, LineAssembler


class Prints:
    """Keeps the last, open line of each source and prediction until it ends."""

    def __init__(self, log: ContainerLog) -> None:
        self._log = log
        self._open: dict[tuple[str | None, str], LineAssembler] = {}

    def echo(self, source: str, text: str, *, prediction_id: str | None) -> None:
        """Take a piece of text; `prediction_id` is None where it belongs to no prediction."""
        key = (prediction_id, source)
        assembler = self._open.pop(key, None) or LineAssembler()
        if lines := assembler.feed(text):
            self._log.echo(source, lines, prediction_id=prediction_id)
        if assembler.is_open:
            self._open[key] = assembler

    def flush(self, prediction_id: str | None) -> None:
        """Pass on lines that will not end any more."""
        if self._open:
            for source in ("stdout", "stderr"):
                assembler = self._open.pop((prediction_id, source), None)
                if assembler is not None:
                    self._log.echo(source, assembler.flush(), prediction_id=prediction_id)
