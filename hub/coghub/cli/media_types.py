"""Which media type a file name stands for, and back.

A table of our own: the machine's `/etc/mime.types` must not change what a model receives,
and reading it costs more time than the whole of `cog --help`.
"""

from pathlib import PurePath

OCTET_STREAM = "application/octet-stream"

_TYPES = {
    ".aac": "audio/aac",
    ".avi": "video/x-msvideo",
    ".avif": "image/avif",
    ".bin": OCTET_STREAM,
    ".bmp": "image/bmp",
    ".css": "text/css",
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".html": "text/html",
    ".htm": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".jxl": "image/jxl",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".mid": "audio/midi",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".obj": "model/obj",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/opus",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".ppm": "image/x-portable-pixmap",
    ".rtf": "application/rtf",
    ".safetensors": "application/x-safetensors",
    ".srt": "application/x-subrip",
    ".stl": "model/stl",
    ".svg": "image/svg+xml",
    ".tar": "application/x-tar",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".vtt": "text/vtt",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
}

_SUFFIXES = {
    **{media_type: suffix for suffix, media_type in reversed(_TYPES.items())},
    "audio/mp3": ".mp3",
    "audio/wave": ".wav",
    "audio/x-flac": ".flac",
    "audio/x-m4a": ".m4a",
    "audio/x-wav": ".wav",
    "application/javascript": ".js",
    "application/x-gzip": ".gz",
    "application/x-yaml": ".yaml",
    "application/x-zip-compressed": ".zip",
    "image/x-icon": ".ico",
    "image/x-ms-bmp": ".bmp",
    "text/x-python": ".py",
    "text/xml": ".xml",
    "text/yaml": ".yaml",
    "video/avi": ".avi",
    OCTET_STREAM: "",
}
"""The first suffix of a type in the table above wins; unnamed bytes get no suffix."""


def media_type_of(name: str) -> str:
    """Return the media type of a file by its name."""
    return _TYPES.get(PurePath(name).suffix.lower(), OCTET_STREAM)


def suffix_of(media_type: str) -> str:
    """Return the file suffix of a media type, with its dot; empty when it is not known."""
    return _SUFFIXES.get(media_type.partition(";")[0].strip().lower(), "")
