"""Which package brings a module, for modules that models import.

Only what is in `PACKAGES` is ever added to a project by itself: a package that merely has the name
of a module may be somebody else's.
"""

from collections.abc import Iterable

from coghub.build.requirement_lines import normalised

PACKAGES: dict[str, tuple[str, ...]] = {
    "accelerate": ("accelerate",),
    "aiohttp": ("aiohttp",),
    "attr": ("attrs",),
    "bitsandbytes": ("bitsandbytes",),
    "boto3": ("boto3",),
    "bs4": ("beautifulsoup4",),
    "cv2": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "datasets": ("datasets",),
    "dateutil": ("python-dateutil",),
    "diffusers": ("diffusers",),
    "dotenv": ("python-dotenv",),
    "einops": ("einops",),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu12"),
    "ffmpeg": ("ffmpeg-python",),
    "fitz": ("PyMuPDF",),
    "git": ("GitPython",),
    "google": ("protobuf", "googleapis-common-protos"),
    "grpc": ("grpcio",),
    "httpx": ("httpx",),
    "huggingface_hub": ("huggingface_hub",),
    "imageio": ("imageio",),
    "jax": ("jax",),
    "joblib": ("joblib",),
    "jose": ("python-jose",),
    "jwt": ("PyJWT",),
    "kornia": ("kornia",),
    "librosa": ("librosa",),
    "lightning": ("lightning",),
    "matplotlib": ("matplotlib",),
    "nltk": ("nltk",),
    "numpy": ("numpy",),
    "omegaconf": ("omegaconf",),
    "onnx": ("onnx",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "open_clip": ("open_clip_torch",),
    "pandas": ("pandas",),
    "peft": ("peft",),
    "PIL": ("pillow", "pillow-simd"),
    "pkg_resources": ("setuptools",),
    "psutil": ("psutil",),
    "pydantic": ("pydantic",),
    "pytorch_lightning": ("pytorch-lightning",),
    "regex": ("regex",),
    "requests": ("requests",),
    "safetensors": ("safetensors",),
    "scipy": ("scipy",),
    "sentence_transformers": ("sentence-transformers",),
    "sentencepiece": ("sentencepiece",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "soundfile": ("soundfile",),
    "spacy": ("spacy",),
    "structlog": ("structlog",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly"),
    "timm": ("timm",),
    "tokenizers": ("tokenizers",),
    "torch": ("torch",),
    "torchaudio": ("torchaudio",),
    "torchvision": ("torchvision",),
    "tqdm": ("tqdm",),
    "transformers": ("transformers",),
    "trimesh": ("trimesh",),
    "typing_extensions": ("typing_extensions",),
    "whisper": ("openai-whisper",),
    "xformers": ("xformers",),
    "yaml": ("PyYAML",),
    "zmq": ("pyzmq",),
}
"""Module → the packages that bring it, the usual one first."""

_HUB = ("huggingface-hub", "safetensors", "numpy", "requests", "tqdm", "pyyaml", "regex")
_ARRAYS = ("numpy",)
BRINGS: dict[str, tuple[str, ...]] = {
    "accelerate": ("torch", "psutil", "huggingface-hub", "safetensors", "numpy", "pyyaml"),
    "diffusers": (*_HUB, "pillow"),
    "datasets": ("pandas", "pyarrow", "aiohttp", "huggingface-hub", "numpy", "requests", "tqdm"),
    "huggingface-hub": ("requests", "tqdm", "pyyaml", "httpx"),
    "kornia": ("torch",),
    "librosa": ("numpy", "scipy", "scikit-learn", "joblib", "soundfile"),
    "matplotlib": ("numpy", "pillow", "python-dateutil"),
    "numpy": (),
    "nudenet": ("numpy", "onnxruntime", "opencv-python-headless"),
    "onnxruntime": _ARRAYS,
    "open-clip-torch": ("torch", "torchvision", "regex", "tqdm", "huggingface-hub", "timm"),
    "openai-whisper": ("numpy", "torch", "tqdm"),
    "opencv-python": _ARRAYS,
    "opencv-python-headless": _ARRAYS,
    "pandas": ("numpy", "python-dateutil"),
    "peft": ("torch", "transformers", "accelerate", "tqdm", "psutil", "huggingface-hub"),
    "pillow": (),
    "pydantic": ("typing-extensions",),
    "pyyaml": (),
    "pytorch-lightning": ("torch", "tqdm", "pyyaml"),
    "requests": ("urllib3", "certifi", "idna", "charset-normalizer"),
    "scikit-image": ("numpy", "scipy", "pillow", "imageio"),
    "scikit-learn": ("numpy", "scipy", "joblib"),
    "scipy": _ARRAYS,
    "sentence-transformers": ("transformers", "torch", "scikit-learn", "scipy", "pillow", "tqdm"),
    "structlog": (),
    "tensorflow": ("numpy", "requests", "protobuf", "grpcio"),
    "timm": ("torch", "torchvision", "pyyaml", "huggingface-hub", "safetensors"),
    "torch": (),
    "torchaudio": ("torch",),
    "torchvision": ("torch", "numpy", "pillow"),
    "tqdm": (),
    "transformers": (*_HUB, "tokenizers"),
    "typing-extensions": (),
    "xformers": ("torch", "numpy"),
}
"""Package → others that every release of the last years brings along, as far as models import them.

Of a package that is not here nothing is known."""


def brought(names: Iterable[str]) -> set[str]:
    """Return packages, and those that they are known to bring along."""
    found, waiting = set[str](), [normalised(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += BRINGS.get(name, ())
    return found


def may_bring(name: str, module: str) -> bool:
    """Tell whether a package may bring a module: it is known to, or has its name in its own."""
    listed = {normalised(one) for one in PACKAGES.get(module, ())}
    word = normalised(module)
    name = normalised(name)
    return name in listed or name == word or f"-{word}-" in f"-{name}-" or name == f"py{word}"
