"""The Flux example with a tiny checkpoint: the true pipelines, on the CPU, in a real server."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from tests.acceptance.conftest import REPOSITORY, Person, Served, content_of
from tests.acceptance.flux.sites import Sites

FLUX = REPOSITORY / "examples" / "flux"
# Its modules that need no torch are also tested by themselves.
sys.path.append(str(FLUX))


@pytest.fixture(scope="session")
def made(torch_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the tiny checkpoint and cog.cpu.yaml as its cog.yaml."""
    folder = tmp_path_factory.mktemp("flux") / "flux"
    ignored = shutil.ignore_patterns("__pycache__", ".cog", "tiny", "output*")
    shutil.copytree(FLUX, folder, ignore=ignored)
    shutil.copyfile(folder / "cog.cpu.yaml", folder / "cog.yaml")
    done = Person(folder, torch_environ)("exec", "python", "tiny.py", "tiny")
    if "No interpreter" in done.stderr:
        pytest.skip("no Python 3.11 for the model")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(made: Path, torch_environ: dict[str, str], tmp_path: Path) -> Person:
    """A fresh copy of the project with its checkpoint."""
    return Person(Path(shutil.copytree(made, tmp_path / "flux")), torch_environ)


@pytest.fixture(scope="session")
def sites(made: Path) -> Iterator[Sites]:
    """The sites that LoRAs come from, with the tiny ones on them."""
    with Sites.open(made / "tiny" / "loras") as opened:
        yield opened


@pytest.fixture(scope="module")
def flux(
    made: Path,
    torch_environ: dict[str, str],
    sites: Sites,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Flux"]:
    """The model behind `cog serve`, one for the tests of a module."""
    with served(made, {**torch_environ, **sites.environ}, tmp_path_factory.mktemp("cache")) as it:
        yield it


@contextmanager
def served(made: Path, environ: dict[str, str], cache: Path, *flags: str) -> Iterator["Flux"]:
    """Serve the model from a folder; what it fetches is kept in another."""
    own = {**environ, "FLUX_LORAS": str(made / "tiny" / "loras")}
    variables = [it for name in own if name.startswith(("FLUX_", "HF_")) for it in
                 ("-e", f"{name}={own[name]}")]  # fmt: skip
    weights = ["-e", f"COG_CACHE_DIR={cache}"]
    serving = Person(made, own).serve(*variables, *weights, *flags)
    try:
        yield Flux(serving)
    finally:
        serving.stop()


class Flux:
    """A served model, asked for small pictures in few steps unless a test says otherwise."""

    def __init__(self, serving: Served) -> None:
        self.serving = serving

    def predict(self, **inputs: object) -> dict:
        """Return the whole prediction."""
        small = {"width": 128, "height": 128} if not {"aspect_ratio", "image"} & set(inputs) else {}
        usual = {"prompt": "a lighthouse", "seed": 1, "num_inference_steps": 2}
        return self.serving.predict(**{**usual, "output_format": "png", **small, **inputs})

    def pictures(self, **inputs: object) -> list[bytes]:
        """Return the files of the pictures."""
        return self.contents(self.predict(**inputs))

    def contents(self, prediction: dict) -> list[bytes]:
        """Return the files of a prediction."""
        assert prediction["status"] == "succeeded", prediction
        return [content_of(it) for it in prediction["output"]]

    def picture(self, **inputs: object) -> bytes:
        """Return the file of the one picture."""
        [only] = self.pictures(**inputs)
        return only

    def error(self, **inputs: object) -> str:
        """Return why a prediction fails."""
        prediction = self.predict(**inputs)
        assert prediction["status"] == "failed", prediction
        return prediction["error"]


def image_of(content: bytes) -> Image.Image:
    """Return a file's picture."""
    return Image.open(io.BytesIO(content))
