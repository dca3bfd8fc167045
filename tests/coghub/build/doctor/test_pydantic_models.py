import pytest
from tests.coghub.build.doctor.conftest import WITH_REQUIREMENTS, Folder

CHECK = "python-pydantic-basemodel"
HEAD = "from cog import BasePredictor, Path\nfrom pydantic import BaseModel{more}\n\n\n"
TAIL = """

class Predictor(BasePredictor):
    def predict(self) -> Out:
        return Out(file=Path("a"))
"""
PLAIN = """\
class Out(BaseModel):
    \"\"\"What comes out.\"\"\"

    file: Path  # the file
    model_config = ConfigDict(arbitrary_types_allowed=True)
"""


def write(folder: Folder, model: str, more: str = ", ConfigDict") -> None:
    source = HEAD.format(more=more) + model + TAIL
    folder.write({"cog.yaml": WITH_REQUIREMENTS, "requirements.txt": "pydantic==2.12.5\n"})
    folder.write({"predict.py": source})


def test_a_plain_model_becomes_cogs(folder: Folder):
    write(folder, PLAIN)

    said = "Out is pydantic's BaseModel with arbitrary_types_allowed: use cog.BaseModel"
    assert folder.lines() == [f"error predict.py:5: {said}"]
    assert folder.fix() == ["made Out of cog.BaseModel"]

    fixed = folder.read("predict.py")
    assert fixed.startswith(
        "from cog import BasePredictor, Path, BaseModel\n\n\nclass Out(BaseModel"
    )
    assert "    file: Path  # the file\n\n\nclass Predictor" in fixed
    assert "pydantic" not in fixed
    assert folder.lines() == []


@pytest.mark.parametrize(
    "model",
    [
        "(BaseModel):\n    class Config:\n        arbitrary_types_allowed = True\n    f: Path\n",
        "(BaseModel):\n    model_config = {'arbitrary_types_allowed': True}\n    f: Path\n",
        "(BaseModel, arbitrary_types_allowed=True):\n    f: Path\n",
    ],
)
def test_the_option_has_several_spellings(folder: Folder, model: str):
    write(folder, f"class Out{model}", more="")

    assert folder.fix(CHECK) == ["made Out of cog.BaseModel"]
    assert "class Out(BaseModel):\n    f: Path\n" in folder.read("predict.py")


@pytest.mark.parametrize(
    "model",
    [
        PLAIN + "    extra: int = Field(ge=0)\n",
        PLAIN + "    def check(self): ...\n",
        PLAIN.replace("=True", "=True, frozen=True"),
        PLAIN + "\n\nclass Other(BaseModel):\n    inner: Out\n",
        PLAIN + "\n\nclass Other(Out):\n    more: int\n",
        PLAIN + "\n\nSCHEMA = Out.model_json_schema()\n",
    ],
)
def test_a_model_that_is_more_than_fields_is_left_to_a_person(folder: Folder, model: str):
    write(folder, model)

    assert all("Manual migration required" in it.hint for it in folder.findings(CHECK))
    assert folder.fix(CHECK) == []


def test_models_of_pydantic_without_the_option_are_fine(folder: Folder):
    write(folder, "class Out(BaseModel):\n    name: str\n", more="")

    assert folder.findings(CHECK) == []
