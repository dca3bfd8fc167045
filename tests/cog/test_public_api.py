"""The names that models import, from Cog 0.9 to 0.23."""

import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

import cog

COG_0_23 = """
    __version__ BaseRunner BasePredictor BaseModel Opaque Input FieldInfo
    Path Secret File URLFile URLPath ConcatenateIterator AsyncConcatenateIterator
    CancelationException current_scope streaming concurrent ExperimentalFeatureWarning emit_metric
"""
OURS = {"batch"}
"""What Cog does not have."""
IN_THE_WILD = [
    ("cog", "BasePredictor, Input, Path, File, Secret, BaseModel, ConcatenateIterator"),
    ("cog", "AsyncConcatenateIterator, current_scope, ExperimentalFeatureWarning, emit_metric"),
    ("cog", "CancelationException, __version__"),
    ("cog.types", "URLPath, URLFile, Path, File, Secret, Weights, ConcatenateIterator, Input"),
    ("cog.types", "AsyncConcatenateIterator, CogConfig, PYDANTIC_V2, get_filename"),
    ("cog.predictor", "BasePredictor, BaseRunner, load_predictor_from_ref"),
    ("cog.server.exceptions", "CancelationException"),
    ("cog.errors", "CogError, ConfigDoesNotExist, PredictorNotSet"),
    ("cog.coder", "Coder"),
    ("cog.input", "Input, FieldInfo"),
    ("cog.model", "BaseModel"),
    ("cog.mode", "Mode"),
    ("cog.suppress_output", "suppress_output"),
    ("cog.files", "upload_file, guess_filename"),
    ("cog.json", "make_encodeable"),
    ("cog.logging", "setup_logging"),
    ("cog.mimetypes_ext", "install"),
]
HEAVY = {"asyncio", "dataclasses", "inspect", "json", "logging", "tempfile", "urllib.request"}


def test_all_names_what_cog_exports() -> None:
    assert set(cog.__all__) == set(COG_0_23.split()) | OURS


def test_nothing_else_is_visible_but_modules() -> None:
    lazy = {"ExperimentalFeatureWarning", "emit_metric", "__version__"}
    shown = {
        name
        for name, value in vars(cog).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert shown == set(cog.__all__) - lazy


@pytest.mark.parametrize(("module", "names"), IN_THE_WILD)
def test_names_that_models_import_resolve(module: str, names: str) -> None:
    home = importlib.import_module(module)

    for name in names.split(", "):
        assert hasattr(home, name), f"{module}.{name}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        cog.Nonsense  # noqa: B018


def test_the_version_is_that_of_the_contract() -> None:
    assert cog.__version__ == "0.23.1"


def test_the_cancelation_is_no_exception_that_models_swallow() -> None:
    assert not issubclass(cog.CancelationException, Exception)


def test_the_experimental_warning_can_be_silenced() -> None:
    assert issubclass(cog.ExperimentalFeatureWarning, FutureWarning)


def test_the_marker_for_opaque_types_shows_its_name() -> None:
    assert repr(cog.Opaque) == "cog.Opaque"


def printed(script: str) -> str:
    """Return what a fresh interpreter prints, with nothing on its path but `cog`."""
    return subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(Path(cog.__path__[0]).parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.slow
def test_importing_cog_loads_nothing_heavy() -> None:
    loaded = printed("import sys, cog; print(*sys.modules)").split()

    assert HEAVY & set(loaded) == set()


@pytest.mark.slow
def test_guesses_of_types_do_not_depend_on_the_machine(tmp_path: Path) -> None:
    (tmp_path / "mime.types").write_text("wrong/type webp local\n")
    script = f"""
import mimetypes
mimetypes.knownfiles.append({str(tmp_path / "mime.types")!r})
import cog
print(mimetypes.guess_type("a.webp")[0], mimetypes.guess_type("a.local")[0])
"""

    assert printed(script) == "image/webp None\n"
