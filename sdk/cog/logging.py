"""A name of Cog before 0.17, which old models import."""

import logging


def setup_logging(*, log_level: int = logging.INFO) -> None:
    """Print log records on standard error, where they become the prediction's logs."""
    logging.basicConfig(level=log_level)
