"""Read the text on a scan or photograph.

The weights of all three networks (find lines, turn them upright, read them) lie inside the
`rapidocr` package, so nothing is downloaded when the model starts.
"""

import tempfile

import numpy as np
from cog import BaseModel, BasePredictor, Input, Path
from PIL import Image, ImageDraw, ImageOps
from rapidocr import RapidOCR

SHORT_SIDE_PX = 600
"""Smaller images are enlarged to this: the networks want letters of about 30 pixels."""

UNCLIP_RATIO = 1.1
"""How far a found line is widened. Below the default of 1.6: on a page that is not flat, lines are
so curved that a wide box cuts into the next line."""


class Line(BaseModel):
    text: str
    score: float
    box: list[int]  # left, top, right, bottom


class Output(BaseModel):
    text: str
    lines: list[Line]
    image: Path


class Predictor(BasePredictor):
    def setup(self) -> None:
        """Load the networks, and run them once so that the first prediction is not slower."""
        self.folder = tempfile.TemporaryDirectory()
        self.engine = RapidOCR(params={"Global.log_level": "error"})
        self.engine(np.full((64, 256, 3), 255, dtype=np.uint8))

    def predict(
        self,
        image: Path = Input(description="Scan or photograph of a text"),
        min_score: float = Input(
            description="Leave out lines that the model is less sure of", default=0.5, ge=0, le=1
        ),
    ) -> Output:
        """Return the text, its lines with their places, and the image with the lines marked."""
        picture = ImageOps.exif_transpose(Image.open(image)).convert("RGB")
        lines = [line for line in self.read(picture) if line.score >= min_score]
        print(f"Found {len(lines)} lines")
        text = "\n".join(line.text for line in lines)
        return Output(text=text, lines=lines, image=self.marked(picture, lines))

    def read(self, picture: Image.Image) -> list[Line]:
        """Return the lines from top to bottom."""
        factor = max(1.0, SHORT_SIDE_PX / min(picture.size))
        size = (round(picture.width * factor), round(picture.height * factor))
        enlarged = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
        found = self.engine(enlarged[:, :, ::-1], unclip_ratio=UNCLIP_RATIO)  # it expects BGR
        if found.boxes is None:
            return []
        corners = (found.boxes / factor).round().astype(int)  # four of each line, as x and y
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).tolist()
        return [
            Line(text=text, score=round(float(score), 3), box=box)
            for text, score, box in zip(found.txts, found.scores, boxes, strict=True)
        ]

    def marked(self, picture: Image.Image, lines: list[Line]) -> Path:
        """Return a PNG of the image with a frame around each line."""
        draw = ImageDraw.Draw(picture)
        for line in lines:
            draw.rectangle(line.box, outline=(220, 30, 30))
        output = Path(self.folder.name) / "marked.png"
        picture.save(output, icc_profile=None)
        return output
