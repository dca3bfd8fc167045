"""What a server does with a model: predict, or train."""

from enum import Enum


class Mode(Enum):
    """The two ways to call a model."""

    PREDICT = "predict"
    TRAIN = "train"

    def __str__(self) -> str:
        return self.value
