"""A model whose files and nulls stand deep in its inputs."""

from cog import BaseModel, BasePredictor, Input, Path


class Page(BaseModel):
    scan: Path
    note: str | None = None


class Predictor(BasePredictor):
    def predict(
        self,
        pages: list[Page] = Input(default=[]),
        rows: list[list[Path]] = Input(default=[]),
        named: dict[str, Path] = Input(default={}),
        numbers: list[int | None] = Input(default=[]),
        word: str = Input(default="ab", regex=r"^\w\w\Z"),
    ) -> list[str]:
        paths = [page.scan for page in pages] + [path for row in rows for path in row]
        paths += named.values()
        return [path.read_text() for path in paths] + [str(it) for it in numbers]
