"""A name of Cog before 0.17, which old models import: what a server does with a model."""

from enum import Enum


class Mode(Enum):
    """The two ways to call a model."""

    PREDICT = "predict"
    TRAIN = "train"

    def __str__(self) -> str:
        return self.value
