"""Enlarge a picture: a file and a number in, a file out."""

import tempfile

from cog import BasePredictor, Input, Path
from PIL import Image


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Make the folder for outputs; it goes away with the process."""
        self.folder = tempfile.TemporaryDirectory()

    def predict(
        self,
        image: Path = Input(description="Image to enlarge"),
        scale: float = Input(description="Factor to scale image by", default=1.5, ge=0.1, le=8),
    ) -> Path:
        """Return the image, `scale` times as wide and as high, as PNG."""
        picture = Image.open(image)
        width = max(1, round(picture.width * scale))
        height = max(1, round(picture.height * scale))
        print(f"Resizing {picture.width}x{picture.height} to {width}x{height}")
        output = Path(self.folder.name) / "output.png"
        picture.resize((width, height), Image.Resampling.LANCZOS).save(output)
        return output
