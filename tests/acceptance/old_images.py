"""Images of models as Cog itself has built them: with its own SDK and server inside."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.docker_engine import BASE, Engine

PREDICTOR = """
import os
import time

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def setup(self) -> None:
        print("weights are loaded", flush=True)
        if os.environ.get("SETUP_FAILS"):
            raise RuntimeError("no weights here")

    def predict(
        self,
        do: str = Input(description="What to do", choices=["text", "fail", "wait"]),
    ) -> str:
        print("working on " + do, flush=True)
        if do == "fail":
            raise ValueError("boom")
        if do == "wait":
            time.sleep(600)
        return "did " + do
"""
SIZER = """
import os

from cog import BasePredictor, Input, Path


class Predictor(BasePredictor):
    def predict(self, upload: Path = Input(description="A file")) -> str:
        return str(os.path.getsize(str(upload)))
"""
WRITER = """
from cog import BasePredictor, Input, Path


class Predictor(BasePredictor):
    def predict(self, text: str = Input(description="Its content")) -> Path:
        with open("/tmp/out.txt", "w") as file:
            file.write(text)
        return Path("/tmp/out.txt")
"""
LISTER = """
from typing import Iterator

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, count: int = Input(description="How many", default=3)) -> Iterator[str]:
        for number in range(count):
            yield str(number)
"""
PROJECTS = {"talker": PREDICTOR, "sizer": SIZER, "writer": WRITER, "lister": LISTER}


@dataclass(frozen=True)
class Release:
    """A release of Cog."""

    version: str
    prefix: str = "run.cog"
    """Of its labels."""
    tells_schema: bool = True
    """Its server makes the schema; later ones were given it by the command that built them."""

    @property
    def packages(self) -> str:
        """What pip is to install: from 0.17 on the server is a package of its own."""
        names = ["cog"] if self.tells_schema else ["cog", "coglet"]
        return " ".join(f"{name}=={self.version}" for name in names)


RELEASES = (
    Release("0.9.25", prefix="org.cogmodel"),
    Release("0.16.12"),
    Release("0.18.0", tells_schema=False),
    Release("0.23.1", tells_schema=False),
)


def image_of(
    engine: Engine, release: Release, project: str, folder: Path, *, has_schema: bool = True
) -> str:
    """Return the name of an image, built now."""
    name = f"coghub-test-old-{project}:{release.version}"
    if not has_schema:
        name += "-bare-label"
    (folder / "predict.py").write_text(PROJECTS[project])
    (folder / "cog.yaml").write_text(CONFIG)
    (folder / "Dockerfile").write_text(_dockerfile(release))
    engine.run("build", "--quiet", "--tag", f"{name}-bare", str(folder))
    labels = {
        f"{release.prefix}.config": json.dumps({"build": {}, "predict": "predict.py:Predictor"}),
        f"{release.prefix}.cog_version": release.version,
    }
    if has_schema:
        told = _told(engine, f"{name}-bare") if release.tells_schema else _read(folder)
        labels[f"{release.prefix}.openapi_schema"] = told
    flags = [f"--label={key}={value}" for key, value in labels.items()]
    engine.run("build", "--quiet", "--tag", name, *flags, "-", given=f"FROM {name}-bare\n".encode())
    return name


CONFIG = 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n'


def _dockerfile(release: Release) -> str:
    return f"""FROM {BASE}
RUN python -m pip install -q --root-user-action=ignore {release.packages}
WORKDIR /src
EXPOSE 5000
ENV COG_PREDICT_TYPE_STUB=predict.py:Predictor PYTHONUNBUFFERED=1
CMD ["python", "-m", "cog.server.http"]
COPY predict.py cog.yaml /src/
"""


def _told(engine: Engine, image: str) -> str:
    """Return the schema, as the server inside tells it."""
    ask = """
import json, subprocess, time, urllib.request
server = subprocess.Popen(["python", "-m", "cog.server.http"], stdout=2)
for _ in range(300):
    time.sleep(0.1)
    try:
        answer = urllib.request.urlopen("http://127.0.0.1:5000/openapi.json", timeout=5)
        print(json.dumps(json.load(answer)))
        break
    except OSError:
        pass
server.kill()
"""
    return engine.run("run", "--rm", "--entrypoint", "python", image, "-c", ask)


def _read(folder: Path) -> str:
    """Return the schema as a command makes it of the code."""
    command = [sys.executable, "-m", "cog.schema", "--predict", "predict.py:Predictor"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.dumps(json.loads(done.stdout)["document"])
