"""Has an input of each kind, and makes an output of each kind."""

import struct
import sys
import time
import wave
import zlib
from typing import Any

from cog import BasePredictor, Input, Path, Secret

EVIL = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
KINDS = [
    "echo",
    "image",
    "images",
    "audio",
    "video",
    "text",
    "markdown",
    "tree",
    "table",
    "fields",
    "html",
    "svg",
    "evil",
    "nothing",
    "fail",
    "slow",
]


class Predictor(BasePredictor):
    def setup(self) -> None:
        print("loading the kitchen")

    def predict(
        self,
        kind: str = Input(description="What to make", choices=KINDS, default="echo"),
        text: str = Input(description="What to write", default="a lighthouse", max_length=2000),
        steps: int = Input(description="How many steps", ge=1, le=50, default=20),
        strength: float = Input(description="How strong", ge=0, le=1, default=0.5),
        seed: int | None = Input(description="Left out for a random one", default=None),
        fancy: bool = Input(description="Whether it is fancy", default=False),
        image: Path | None = Input(description="A picture to begin with", default=None),
        files: list[Path] = Input(description="More files", default=[]),
        words: list[str] = Input(description="Some words", default=["a", "b"]),
        options: dict = Input(description="Anything", default={}),
        key: Secret | None = Input(description="A key", default=None),
        old: str = Input(description="Not used any more", default="x", deprecated=True),
    ) -> Any:
        if kind == "echo":
            return {
                "text": text,
                "steps": steps,
                "strength": strength,
                "seed": seed,
                "fancy": fancy,
                "image": None if image is None else len(image.read_bytes()),
                "files": [len(it.read_bytes()) for it in files],
                "words": words,
                "options": options,
                "key": len(key.get_secret_value()) if key else None,
                "old": old,
            }
        return getattr(self, kind)(text)

    def image(self, text: str) -> Path:
        bar(3)
        return png("one.png", 640, 480, (200, 90, 40))

    def images(self, text: str) -> list[Path]:
        bar(3)
        return [png(f"{n}.png", 320, 240, (40 * n + 20, 90, 200 - 30 * n)) for n in range(4)]

    def audio(self, text: str) -> Path:
        with wave.open("/tmp/tone.wav", "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\0\0" * 8000)
        return Path("/tmp/tone.wav")

    def video(self, text: str) -> Path:
        return written("clip.mp4", "not really one: only its player is looked at")

    def text(self, text: str) -> str:
        return f"You said {text}."

    def markdown(self, text: str) -> str:
        return f"# A title\n\nSome **bold** words.\n\n{EVIL}\n\n[link](javascript:alert(1))\n"

    def tree(self, text: str) -> Any:
        return [{"a": {"b": [1, None, "c"]}}, 2]

    def table(self, text: str) -> Any:
        return [{"label": f"thing {n}", "score": n / 10, "box": [1, 2, 3, 4]} for n in range(3)]

    def fields(self, text: str) -> Any:
        return {"picture": png("f.png", 64, 64, (9, 99, 9)), "score": 0.5, "who": {"name": "Ada"}}

    def html(self, text: str) -> Path:
        return written("page.html", EVIL)

    def svg(self, text: str) -> Path:
        script = "<script>document.title='pwned'</script>"
        box = "<rect width='9' height='9' onload=\"document.title='pwned'\"/>"
        return written("x.svg", f"<svg xmlns='http://www.w3.org/2000/svg'>{script}{box}</svg>")

    def evil(self, text: str) -> Any:
        print(EVIL)
        return {EVIL: EVIL, "list": [{EVIL: EVIL}]}

    def nothing(self, text: str) -> None:
        return None

    def fail(self, text: str) -> None:
        print("about to fail")
        raise ValueError(f"it broke {EVIL}")

    def slow(self, text: str) -> str:
        for second in range(600):
            print(f"second {second}", flush=True)
            time.sleep(0.2)
        return "slow"


def bar(steps: int) -> None:
    for step in range(1, steps + 1):
        percent = round(100 * step / steps)
        sys.stderr.write(f"\rsteps: {percent:3d}%|{'#' * step}| {step}/{steps} [00:01<00:00]")
        sys.stderr.flush()
        time.sleep(0.2)
    sys.stderr.write("\n")


def written(name: str, text: str) -> Path:
    path = Path(f"/tmp/{name}")
    path.write_text(text)
    return path


def png(name: str, width: int, height: int, color: tuple) -> Path:
    raw = b"".join(b"\0" + bytes(color) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path = Path(f"/tmp/{name}")
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*it) for it in parts))
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
