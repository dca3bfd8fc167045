"""The road from a model on a disk to an API that others call."""

__version__ = "0.1.0"
