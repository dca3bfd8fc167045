"""Hugging Face, Replicate, Civitai and others, as one local server with their addresses."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

COMMIT = "4" * 40
TOKEN = "sesame"
"""What the private files want."""


@dataclass
class Sites:
    """What is there to be had, and what was asked for."""

    address: str
    loras: Path
    asked: list[str] = field(default_factory=list)
    told: list[str | None] = field(default_factory=list)
    """The `Authorization` of each request."""
    has_begun: threading.Event = field(default_factory=threading.Event)
    """Half of a slow file has been sent."""
    may_end: threading.Event = field(default_factory=threading.Event)
    """The rest of slow files is sent too."""

    @classmethod
    @contextmanager
    def open(cls, loras: Path) -> Iterator["Sites"]:
        """Serve the LoRAs of a folder."""
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            sites = cls(f"http://127.0.0.1:{server.server_address[1]}", loras)
            server.sites = sites
            threading.Thread(target=server.serve_forever).start()
            yield sites
            server.shutdown()

    @property
    def environ(self) -> dict[str, str]:
        """What leads the model here."""
        return {
            "HF_ENDPOINT": self.address,
            "FLUX_REPLICATE": f"{self.address}/replicate",
            "FLUX_CIVITAI": f"{self.address}/civitai",
        }

    def read(self, name: str) -> bytes:
        """Return a LoRA's file."""
        return (self.loras / f"{name}.safetensors").read_bytes()

    def count(self, part: str) -> int:
        """Count the requests with that in their path."""
        return sum(part in it for it in self.asked)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:  # noqa: C901, PLR0911, PLR0912 - a table of addresses
        sites: Sites = self.server.sites
        sites.asked.append(self.path)
        sites.told.append(self.headers["Authorization"])
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        is_known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if "private" in parts.path and not is_known:
            return self.reply(401, b"who is there?")
        words = parts.path.strip("/").split("/")
        match words:
            case ["api", "models", _, name, "tree", *_]:
                return self.reply(200, json.dumps(tree(name)).encode())
            case [_, name, "resolve", revision, *path]:
                return self.resolved(name, revision, "/".join(path))
            case ["civitai", "api", "v1", "models", "7"]:
                versions = [{"id": 72, "files": []}, {"id": 71, "files": []}]
                return self.reply(200, json.dumps({"id": 7, "modelVersions": versions}).encode())
            case ["civitai", "api", "download", "models", version]:
                if version == "73" and not is_known:
                    return self.reply(401, b'{"error":"Unauthorized"}')
                return self.moved("/store/diffusers" if version == "71" else "/store/other")
            case ["replicate", "ada", "style", "_weights"]:
                return self.moved("/delivery/xyz/trained_model.tar")
            case ["replicate", "ada", "style", "versions", "0abcde", "_weights"]:
                return self.moved("/delivery/old/trained_model.tar")
            case ["delivery", kind, "trained_model.tar"]:
                name = "diffusers" if kind == "old" else "other"
                return self.reply(200, trained(sites.read(name)))
            case ["delivery", "empty.tar"]:
                return self.reply(200, trained(None))
            case ["store", name, *_] if not query.get("signature"):
                return self.moved(f"/store/{name}?signature=1")  # as from a store's front
            case ["store", name]:
                return self.reply(200, sites.read(name))
            case ["files", name] if (sites.loras / name).is_file():
                return self.reply(200, sites.read(name.removesuffix(".safetensors")))
            case ["files", "page.safetensors.html"]:
                return self.reply(200, b"<html>no file</html>")
            case ["slow", name]:
                return self.slowly(sites.read(name.removesuffix(".safetensors")))
            case _:
                return self.reply(404, b"nothing here")

    def slowly(self, content: bytes) -> None:
        """Send half of a file, and the rest when it may end."""
        sites: Sites = self.server.sites
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD" or self.headers["Range"] == "bytes=0-0":
            self.close_connection = True
            return
        half = len(content) // 2
        self.wfile.write(content[:half])
        sites.has_begun.set()
        sites.may_end.wait(60)
        with suppress(OSError):  # who asked may be gone
            self.wfile.write(content[half:])

    def resolved(self, name: str, revision: str, path: str) -> None:
        sites: Sites = self.server.sites
        if path not in FILES.get(name, {}):
            return self.reply(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
        lora = "kohya" if revision == "old" else FILES[name][path]
        content = sites.read(lora)
        etag = hashlib.sha256(content).hexdigest()
        self.moved(f"/store/{lora}", {"X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{etag}"'})
        return None

    def moved(self, path: str, headers: dict[str, str] | None = None) -> None:
        """Lead on, to another name of this host: as another host, it is told no secrets."""
        host = self.server.sites.address.replace("127.0.0.1", "localhost")
        self.reply(302, b"", {"Location": host + path, **(headers or {})})

    def reply(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        wanted = self.headers["Range"]
        if status == 200 and wanted:
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            last = min(int(end), len(content) - 1)
            headers = {"Content-Range": f"bytes {start}-{last}/{len(content)}"}
            status, content = 206, content[int(start) : last + 1]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


FILES = {
    "style": {"lora.safetensors": "diffusers", "extra/second.safetensors": "other"},
    "single": {"anything.safetensors": "other"},
    "several": {"one.safetensors": "diffusers", "two.safetensors": "other"},
    "private": {"lora.safetensors": "other"},
    "empty": {},
}


def tree(name: str) -> list[dict]:
    """Return what Hugging Face says of a repository's files."""
    names = ["README.md", *FILES.get(name, {})]
    return [{"type": "file", "path": it, "size": 9, "oid": COMMIT} for it in names]


def trained(lora: bytes | None) -> bytes:
    """Return a tar as a training gives it, perhaps without the one file that matters."""
    files = {"output/flux_train/config.yaml": b"steps: 1000\n"}
    if lora is not None:
        files["output/flux_train/lora.safetensors"] = lora
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
