"""Which files a model leads to, and which modules it wants from elsewhere."""

from pathlib import Path

import pytest

from coghub.build.doctor.code import Need, parse, read_code


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


def outside(project: Path) -> dict[str, Need]:
    return {one.module: one.need for one in read_code(project, ["predict.py"]).outside}


def test_imports_are_followed_within_the_project(tmp_path: Path):
    write(
        tmp_path,
        {
            "predict.py": "from lib import tool\nimport pack.inner.deep\n",
            "lib/tool.py": "from ..other import x\nfrom . import near\nimport numpy.linalg\n",
            "lib/near.py": "import torch as t\n",
            "other.py": "import yaml\n",
            "pack/__init__.py": "import scipy\n",
            "pack/inner/__init__.py": "",
            "pack/inner/deep.py": "import timm\n",
            "unused.py": "import spacy\n",
        },
    )

    assert outside(tmp_path).keys() == {"numpy", "torch", "yaml", "scipy", "timm"}


def test_pythons_own_modules_and_cog_come_from_nowhere_else(tmp_path: Path):
    write(tmp_path, {"predict.py": "import os, asyncio.events\nfrom cog.types import Path\n"})

    assert outside(tmp_path) == {}


@pytest.mark.parametrize(
    ("source", "need"),
    [
        ("import a\n", Need.ALWAYS),
        ("class C:\n    import a\n", Need.ALWAYS),
        ("with x:\n    import a\n", Need.ALWAYS),
        ("try:\n    import a\nexcept ValueError:\n    pass\n", Need.ALWAYS),
        ("def f():\n    import a\n", Need.LATER),
        ("if x:\n    import a\n", Need.LATER),
        ("try:\n    import a\nexcept (ImportError, OSError):\n    pass\n", Need.NEVER),
        ("try:\n    import os\nexcept ModuleNotFoundError:\n    import a\n", Need.NEVER),
        ("try:\n    import a\nexcept:\n    pass\n", Need.NEVER),
        ("def f():\n    try:\n        import a\n    except Exception:\n        pass\n", Need.NEVER),
        ("import typing\nif typing.TYPE_CHECKING:\n    import a\n", Need.NEVER),
    ],
)
def test_not_every_import_must_succeed(tmp_path: Path, source: str, need: Need):
    write(tmp_path, {"predict.py": source})

    assert outside(tmp_path) == {"a": need}


@pytest.mark.parametrize(
    "how",
    [
        "sys.path.append('vendor')",
        "sys.path.append('/src/vendor')",
        "sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'vendor'))",
        "sys.path.extend([str(Path(__file__).parent / 'vendor')])",
    ],
)
def test_folders_on_the_path_are_the_projects_own(tmp_path: Path, how: str):
    write(
        tmp_path,
        {"predict.py": f"import sys\n{how}\nimport gfpgan\n", "vendor/gfpgan.py": "import torch\n"},
    )

    assert outside(tmp_path) == {"torch": Need.ALWAYS}


def test_a_folder_of_weights_is_no_package(tmp_path: Path):
    write(tmp_path, {"predict.py": "import transformers\n", "transformers/config.json": "{}"})

    assert outside(tmp_path) == {"transformers": Need.ALWAYS}


@pytest.mark.parametrize(
    ("content", "is_syntax"),
    [
        (b"def f(:\n", True),
        (b"x = '\xff'\n", False),
        (b"a = 1\0\n", True),
        (b"# coding: nonsense\n", False),
        (b"x = " + b"(" * 5000, True),
        (b"#" * 2**21, False),
    ],
)
def test_what_cannot_be_parsed_is_a_fault(tmp_path: Path, content: bytes, *, is_syntax: bool):
    (tmp_path / "predict.py").write_bytes(content)

    code = read_code(tmp_path, ["predict.py"])

    assert [fault.is_syntax for fault in code.faults] == [is_syntax]
    assert code.modules == {}


def test_links_in_a_circle_and_modules_in_a_circle_end(tmp_path: Path):
    write(tmp_path, {"predict.py": "import a\nimport loop\n", "a.py": "import predict\n"})
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")

    assert set(read_code(tmp_path, ["predict.py"]).modules) == {"predict.py", "a.py"}


def test_warnings_of_the_parser_are_not_ours():
    assert parse("x = '\\d'").body
