"""New source in a process that goes on."""

import importlib.util
import sys
import textwrap
import traceback
from pathlib import Path
from types import ModuleType

import pytest

from cog.worker.swap.errors import Broken, NotSafe
from cog.worker.swap.sources import Sources
from cog.worker.swap.swapping import swap


class Project:
    """A folder with modules that are loaded, and can be written anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources = Sources(folder)
        self.loaded: list[str] = []

    def load(self, name: str, text: str) -> ModuleType:
        path = self.folder / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        self.loaded.append(name)
        spec.loader.exec_module(module)
        self.sources.note()
        return module

    def swap(self, **texts: str) -> list[str]:
        paths = []
        for name, text in texts.items():
            path = self.folder / f"{name}.py"
            path.write_text(textwrap.dedent(text))
            paths.append(path.resolve())
        return swap(self.sources, paths)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    project = Project(tmp_path)
    yield project
    for name in project.loaded:
        sys.modules.pop(name, None)


def test_a_function_gets_new_code_for_all_who_hold_it(project) -> None:
    module = project.load("first_model", "def f(a, b=1): return a + b\n")
    held = module.f

    labels = project.swap(first_model="def f(a, b=2): return a * b\n")

    assert (held(3), held is module.f) == (6, True)
    assert labels == ["first_model.py: f"]


def test_methods_of_an_instance_that_lives_are_new_and_its_state_stays(project) -> None:
    module = project.load(
        "kept_model",
        """
        class Base:
            def name(self): return "base"
        class Predictor(Base):
            def setup(self): self.weights = object()
            def predict(self): return self.name() + " old"
            def name(self): return super().name()
            @property
            def size(self): return 1
            @staticmethod
            def twice(n): return 2 * n
            def __hidden(self): return "old"
            def hidden(self): return self.__hidden()
        """,
    )
    predictor = module.Predictor()
    predictor.setup()
    weights, call = predictor.weights, predictor.predict

    project.swap(
        kept_model="""
        class Base:
            def name(self): return "new base"
        class Predictor(Base):
            def setup(self): self.weights = object()
            def predict(self): return self.name() + " new"
            def name(self): return "the " + super().name()
            @property
            def size(self): return 2
            @staticmethod
            def twice(n): return 3 * n
            def __hidden(self): return "new"
            def hidden(self): return self.__hidden()
            def added(self): return __class__.__name__
        """
    )

    assert call() == "the new base new"
    assert predictor.weights is weights
    assert (predictor.size, predictor.twice(5), predictor.hidden()) == (2, 15, "new")
    assert predictor.added() == "Predictor"
    assert isinstance(predictor, module.Predictor)


def test_what_is_gone_is_gone(project) -> None:
    module = project.load(
        "gone_model", "class A:\n    def f(self): ...\n    x = 1\ndef g(): ...\nN = 1\n"
    )

    project.swap(gone_model="class A:\n    pass\n")

    assert not hasattr(module.A, "f")
    assert not hasattr(module.A, "x")
    assert not hasattr(module, "g")
    assert not hasattr(module, "N")


def test_a_changed_value_reaches_defaults_and_other_modules(project) -> None:
    numbers = project.load("numbers_model", "STEPS = [4]\n")
    user = project.load(
        "user_model",
        """
        from numbers_model import STEPS
        def f(): return STEPS
        """,
    )

    project.swap(numbers_model="STEPS = [5]\n")

    assert user.f() == numbers.STEPS == [5]
    main = project.load("default_model", "N = 1\ndef f(n=N): return n\n")
    assert project.swap(default_model="N = 2\ndef f(n=N): return n\n") == [
        "default_model.py: N",
        "default_model.py: f",
    ]
    assert main.f() == 2


def test_new_imports_functions_and_classes_are_there(project) -> None:
    module = project.load("grown_model", "def f(): return 1\n")

    project.swap(
        grown_model="""
        import math
        class Helper:
            value = math.pi
        def f(): return g()
        def g(): return Helper().value
        """
    )

    assert module.f() == pytest.approx(3.14159, abs=1e-4)


def test_a_traceback_shows_the_lines_as_they_are_now(project) -> None:
    text = "def f():\n    raise ValueError\n\ndef g():\n    return f()\n"
    module = project.load("moved_model", text)

    project.swap(moved_model="# moved\n\n\n" + text)

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the place matters, not the text
        module.g()
    frames = traceback.extract_tb(caught.value.__traceback__)[-2:]
    assert [frame.line for frame in frames] == ["return f()", "raise ValueError"]


def test_decorated_methods_are_made_anew(project) -> None:
    module = project.load(
        "decorated_model",
        """
        import functools
        def loud(f):
            @functools.wraps(f)
            def wrapper(*a): return f(*a).upper()
            return wrapper
        class A:
            @loud
            def f(self): return "old" + super().__class__.__name__
        """,
    )
    instance = module.A()

    project.swap(
        decorated_model="""
        import functools
        def loud(f):
            @functools.wraps(f)
            def wrapper(*a): return f(*a).upper()
            return wrapper
        class A:
            @loud
            def f(self): return "new" + super().__class__.__name__
        """
    )

    assert instance.f() == "NEWSUPER"


def test_an_error_in_the_source_keeps_the_code_as_it_was(project) -> None:
    module = project.load("broken_model", "def f(): return 1\n")

    with pytest.raises(Broken, match=r"^broken_model\.py:1: "):
        project.swap(broken_model="def f(: return 2\n")

    assert module.f() == 1
    project.swap(broken_model="def f(): return 3\n")
    assert module.f() == 3


BEFORE = """
    import enum
    from cog import BaseModel
    def load(): return 1
    def helper(): return load()
    MODEL = load()
    class Kind(enum.Enum):
        A = 1
    class Output(BaseModel):
        text: str
    class Base: ...
    class Predictor(Base):
        table = dict()
        def setup(self):
            self.model = helper()
            self.predict()
        def __init__(self): self.x = 1
        def predict(self): return 1
    if MODEL:
        FLAG = 1
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("self.predict()", "self.run()", "Predictor.setup() has run already"),
        ("self.x = 1", "self.x = 2", "Predictor.__init__() has run already"),
        ("def load(): return 1", "def load(): return 2", "`MODEL = load()` was made of something"),
        ("return load()", "return 2", "setup() has used helper"),
        ("MODEL = load()", "MODEL = load() + 1", "`MODEL = load()` has run already"),
        ("Predictor(Base)", "Predictor", "the bases or decorators of class Predictor are other"),
        ("table = dict()", "table = dict(a=1)", "`table = dict()` has run already"),
        ("A = 1", "A = 2", "Kind.A belongs to a class that was made of its fields"),
        ("text: str", "text: int", "Output.text belongs to a class that was made of its fields"),
        ("FLAG = 1", "FLAG = 2", "`if MODEL:` has run already"),
        ("class Base: ...", "", "class Base may have instances"),
    ],
)
def test_what_has_run_already_cannot_be_swapped(project, old, new, reason) -> None:
    project.load("fixed_model", BEFORE)

    with pytest.raises(NotSafe) as caught:
        project.swap(fixed_model=BEFORE.replace(old, new))

    assert reason in str(caught.value)


def test_predict_may_change_although_setup_has_called_it(project) -> None:
    module = project.load("warm_model", BEFORE)

    project.swap(
        warm_model=BEFORE.replace("def predict(self): return 1", "def predict(self): return 2")
    )

    assert module.Predictor().predict() == 2


def test_another_module_that_used_it_while_loading_stands_against_it(project) -> None:
    project.load("one_model", "def size(): return 1\n")
    project.load("other_model", "from one_model import size\nN = size()\n")

    with pytest.raises(NotSafe, match=r"`N = size\(\)` has run"):
        project.swap(one_model="def size(): return 2\n")


def test_a_file_that_no_module_came_from_changes_nothing(project, tmp_path) -> None:
    project.load("alone_model", "def f(): ...\n")

    assert project.swap(unknown_model="x = 1\n") == []


def test_a_file_that_is_gone_is_not_safe(project, tmp_path) -> None:
    project.load("leaving_model", "def f(): ...\n")
    path = (tmp_path / "leaving_model.py").resolve()
    path.unlink()

    with pytest.raises(NotSafe, match=r"^leaving_model\.py is gone$"):
        swap(project.sources, [path])
