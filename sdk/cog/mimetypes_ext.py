"""MIME types that are the same on every machine.

What `mimetypes` knows depends on the Python version and on files of the operating system.
The types here are those that models take and return; `install` adds them to `mimetypes`, so that
a model's own guesses agree with the server's.
"""

import mimetypes

_OFFICE = "application/vnd.openxmlformats-officedocument."

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/epub+zip": (".epub",),
    "application/gzip": (".gz", ".tgz"),
    "application/json": (".json",),
    "application/jsonl": (".jsonl",),
    "application/octet-stream": (".bin", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".onnx", ".ply"),
    "application/pdf": (".pdf",),
    "application/rtf": (".rtf",),
    "application/vnd.apache.parquet": (".parquet",),
    _OFFICE + "presentationml.presentation": (".pptx",),
    _OFFICE + "spreadsheetml.sheet": (".xlsx",),
    _OFFICE + "wordprocessingml.document": (".docx",),
    "application/x-7z-compressed": (".7z",),
    "application/x-bzip2": (".bz2",),
    "application/x-safetensors": (".safetensors",),
    "application/x-subrip": (".srt",),
    "application/x-tar": (".tar",),
    "application/x-xz": (".xz",),
    "application/xml": (".xml",),
    "application/yaml": (".yaml", ".yml"),
    "application/zip": (".zip",),
    "application/zstd": (".zst",),
    "audio/aac": (".aac",),
    "audio/flac": (".flac",),
    "audio/midi": (".mid", ".midi"),
    "audio/mp4": (".m4a",),
    "audio/mpeg": (".mp3",),
    "audio/ogg": (".ogg", ".oga"),
    "audio/opus": (".opus",),
    "audio/wav": (".wav",),
    "audio/webm": (".weba",),
    "image/avif": (".avif",),
    "image/bmp": (".bmp",),
    "image/gif": (".gif",),
    "image/heic": (".heic",),
    "image/heif": (".heif",),
    "image/jpeg": (".jpg", ".jpeg", ".jfif"),
    "image/jxl": (".jxl",),
    "image/png": (".png",),
    "image/svg+xml": (".svg",),
    "image/tiff": (".tiff", ".tif"),
    "image/vnd.microsoft.icon": (".ico",),
    "image/webp": (".webp",),
    "image/x-exr": (".exr",),
    "image/x-portable-pixmap": (".ppm",),
    "model/gltf+json": (".gltf",),
    "model/gltf-binary": (".glb",),
    "model/obj": (".obj",),
    "model/stl": (".stl",),
    "model/vnd.usdz+zip": (".usdz",),
    "text/css": (".css",),
    "text/csv": (".csv",),
    "text/html": (".html", ".htm"),
    "text/javascript": (".js",),
    "text/markdown": (".md",),
    "text/plain": (".txt",),
    "text/tab-separated-values": (".tsv",),
    "text/vtt": (".vtt",),
    "video/mp4": (".mp4",),
    "video/mpeg": (".mpeg", ".mpg"),
    "video/ogg": (".ogv",),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
    "video/x-matroska": (".mkv",),
    "video/x-msvideo": (".avi",),
}
"""A type's file name extensions, the usual one first."""

SYNONYMS = {
    "application/javascript": "text/javascript",
    "application/x-gzip": "application/gzip",
    "application/x-yaml": "application/yaml",
    "application/x-zip-compressed": "application/zip",
    "audio/mp3": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "image/jpg": "image/jpeg",
    "image/x-icon": "image/vnd.microsoft.icon",
    "image/x-ms-bmp": "image/bmp",
    "text/x-markdown": "text/markdown",
    "text/x-yaml": "application/yaml",
    "text/xml": "application/xml",
    "text/yaml": "application/yaml",
    "video/avi": "video/x-msvideo",
}
"""Other names of those types, as browsers and tools send them."""

DEFAULT_TYPE = "application/octet-stream"

_TYPE_OF = {
    extension: mime_type for mime_type, extensions in EXTENSIONS.items() for extension in extensions
}


def install() -> None:
    """Add the types to the standard library's table; doing it twice changes nothing.

    Files of the operating system are left unread, unless the model's code came first.
    """
    if not mimetypes.inited:
        mimetypes.knownfiles.clear()
    for extension, mime_type in _TYPE_OF.items():
        mimetypes.add_type(mime_type, extension)


def type_of(file_name: str) -> str:
    """Return the MIME type of a file by its name; `application/octet-stream` if none is known."""
    _, dot, suffix = file_name.rpartition(".")
    extension = f"{dot}{suffix.lower()}" if dot else ""
    known = _TYPE_OF.get(extension)
    return known or mimetypes.guess_type(f"file{extension}")[0] or DEFAULT_TYPE


def extension_of(mime_type: str) -> str:
    """Return the usual extension of a MIME type with its dot; empty if none is known."""
    bare = mime_type.partition(";")[0].strip().lower()
    known = EXTENSIONS.get(SYNONYMS.get(bare, bare))
    return known[0] if known else mimetypes.guess_extension(bare) or ""
