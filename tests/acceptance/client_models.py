"""A hub with some models, as the tests of the official clients need it."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from queue import Queue

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.acceptance.hub_process import HubProcess

COG_YAML = """\
build:
  python_version: "{version}"
predict: "predict.py:Predictor"
"""

GREET = """\
from cog import BasePredictor, Input, Path

class Predictor(BasePredictor):
    def predict(
        self,
        text: str,
        count: int = Input(default=1, ge=1, le=9),
        file: Path = Input(default=None),
    ) -> str:
        if text == "fail":
            raise ValueError("no greeting")
        print(f"greeting {text}")
        return f"hello {text}{file.read_text() if file else ''}" * count
"""
WORDS = """\
from cog import BasePredictor, ConcatenateIterator

class Predictor(BasePredictor):
    def predict(self, text: str) -> ConcatenateIterator[str]:
        for word in text.split(" "):
            yield word + " "
"""
TURN = """\
import tempfile
from cog import BasePredictor, Path

class Predictor(BasePredictor):
    def predict(self, image: Path, zeros: int = 0) -> Path:
        output = Path(tempfile.mkdtemp()) / "output.png"
        output.write_bytes(image.read_bytes()[::-1] + bytes(zeros))
        return output
"""
TURN_ALL = """\
import tempfile
from typing import List
from cog import BasePredictor, Path

class Predictor(BasePredictor):
    def predict(self, files: List[Path]) -> List[Path]:
        folder = Path(tempfile.mkdtemp())
        outputs = [folder / f"{number}.txt" for number in range(len(files))]
        for file, output in zip(files, outputs):
            output.write_bytes(file.read_bytes()[::-1])
        return outputs
"""
SLOW = """\
import time
from cog import BasePredictor

class Predictor(BasePredictor):
    def setup(self) -> None:
        print("loading weights")
        time.sleep(2)

    def predict(self, seconds: float = 0) -> str:
        print("sleeping")
        time.sleep(seconds)
        return "slept"
"""
KEYS = """\
import os
import time
from typing import List
from cog import BaseModel, BasePredictor, Input, Secret

class Login(BaseModel):
    user: str
    password: Secret

class Predictor(BasePredictor):
    def setup(self) -> None:
        print("setup has", os.environ.get("PAINTER_KEY"))

    def predict(
        self, key: Secret, keys: List[Secret], login: Login, how: str = Input(default="")
    ) -> str:
        secrets = [key, *keys, login.password]
        plain = [it.get_secret_value() for it in secrets]
        for text in plain:
            print("got", text, flush=True)
            print("half of", text[:4], end="", flush=True)
            time.sleep(0.05)
            print(text[4:], flush=True)
        print("have", os.environ.get("PAINTER_KEY"), sorted(os.environ))
        if how == "fail":
            raise ValueError(f"no luck with {plain}")
        return "-".join(str(len(text)) for text in plain)
"""
MODELS = {"greet": GREET, "words": WORDS, "turn": TURN, "turn-all": TURN_ALL, "slow": SLOW}
LEARN = """\
import tempfile
import time
from cog import BasePredictor, Input, Path

class Predictor(BasePredictor):
    def setup(self, weights: Path = None) -> None:
        self.learnt = Path(weights).read_text() if weights else "nothing"

    def predict(self) -> str:
        return f"learnt {self.learnt}"

def train(text: str, seconds: float = Input(default=0)) -> Path:
    print("learning", text, flush=True)
    time.sleep(seconds)
    weights = Path(tempfile.mkdtemp()) / "weights.txt"
    weights.write_text(text)
    return weights
"""
OTHER_MODELS = {"keys": KEYS, "learn": LEARN}
"""Pushed only where a test names them."""


@dataclass(frozen=True)
class ClientHub:
    """A running hub with models, each with one version."""

    process: HubProcess
    owner: str
    versions: Mapping[str, str]
    """Name → what a client runs: `OWNER/NAME:ID`."""

    @property
    def token(self) -> str:
        return self.process.token

    def model(self, name: str) -> str:
        return f"{self.owner}/{name}"

    def version_id(self, name: str) -> str:
        return self.versions[name].partition(":")[2]

    @property
    def address(self) -> str:
        return self.process.address


@contextmanager
def client_hub(
    folder: Path, environ: Mapping[str, str], *flags: str, names: Iterable[str] = MODELS
) -> Iterator[ClientHub]:
    """Start a hub, and push models as its first user does."""
    own = {"DOCKER_CONFIG": str(folder / "docker"), "COG_DATA_DIR": str(folder / "author")}
    process = HubProcess(folder / "data", {**environ, **own}, *flags)
    try:
        said = cog(process, folder, "login", "--token-stdin", process.address, stdin=process.token)
        [owner] = re.findall(r"authenticated as ([\w.-]+)!", said)
        with ThreadPoolExecutor(2) as threads:
            pushed = threads.map(lambda name: _pushed(process, folder, owner, name), names)
        yield ClientHub(process, owner, dict(zip(names, pushed, strict=True)))
    finally:
        process.kill()


def _pushed(process: HubProcess, folder: Path, owner: str, name: str) -> str:
    project = folder / name
    project.mkdir()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    source = {**MODELS, **OTHER_MODELS}[name]
    train = 'train: "predict.py:train"\n' if "def train(" in source else ""
    (project / "cog.yaml").write_text(COG_YAML.format(version=version) + train)
    (project / "predict.py").write_text(source)
    return push(process, project, f"{owner}/{name}")


def push(process: HubProcess, project: Path, model: str) -> str:
    """Push a project to a hub that somebody logged in to, and return `OWNER/NAME:ID`."""
    said = cog(process, project, "push", model)
    [version_id] = re.findall(r"sha256:([0-9a-f]{64})", said)
    return f"{model}:{version_id}"


def cog(process: HubProcess, folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run `cog` as the first user of a hub, and return what it said."""
    done = subprocess.run(
        [Path(sys.executable).with_name("cog"), *arguments],
        cwd=folder,
        env=process.environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


class Receiver:
    """Takes webhooks on a port of this machine."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        """What it answers."""
        self.received: Queue[tuple[dict[str, str], bytes]] = Queue()
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = outer.status
                outer.received.put((headers, body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine that has signed itself; return it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "hub.crt", folder / "hub.key"
    certificate_path.write_bytes(made.public_bytes(Encoding.PEM))
    plain = NoEncryption()
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, plain))
    return certificate_path, key_path
