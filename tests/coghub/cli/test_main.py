import subprocess
import sys
from pathlib import Path

import pytest

import cog
from coghub import __version__
from coghub.cli.main import COMMANDS, MODULES, operator_root, outcome_of, root


def test_every_command_of_the_table_has_its_module():
    for name in COMMANDS:
        command = root.get_command(None, name)

        assert command.name == MODULES.get(name, name)
        assert command.help


def test_the_version_names_the_contract_first_and_ours_second(capsys):
    assert outcome_of(root, ["--version"], usage_code=1) == 0

    words = capsys.readouterr().out.split()
    assert words[:2] == [cog.__version__, __version__]


PREDICTOR = "class Predictor:\n    def predict(self, a: str = '') -> str: ...\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["predict", "--nonsense"], ["serve", "-p", "x"]]
)
def test_a_wrong_call_of_cog_exits_1_with_one_message(arguments, capsys):
    assert outcome_of(root, arguments, usage_code=1) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "hint: See `cog" in err


def test_weights_are_a_command_that_help_does_not_list(capsys):
    assert outcome_of(root, ["weights", "--help"], usage_code=1) == 0
    assert "import" in capsys.readouterr().out
    assert outcome_of(root, ["--help"], usage_code=1) == 0
    assert "weights" not in capsys.readouterr().out.partition("Commands")[2]


def test_a_mistyped_command_is_recognised(capsys):
    assert outcome_of(root, ["pedict"], usage_code=1) == 1

    said = "error: No such command 'pedict'\nhint: Did you mean `cog predict`?\n"
    assert capsys.readouterr().err == said


def test_a_wrong_call_of_coghub_exits_2(capsys):
    assert outcome_of(operator_root, ["nonsense"], usage_code=2) == 2


def test_coghub_cog_is_cog(capsys):
    assert outcome_of(operator_root, ["cog", "--help"], usage_code=2) == 0

    assert "predict" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["env"]])
def test_a_group_alone_shows_its_help(arguments, capsys):
    assert outcome_of(root, arguments, usage_code=1) == 0

    out, err = capsys.readouterr()
    assert out.startswith("Usage: cog")
    assert err == ""


@pytest.mark.parametrize(
    ("config", "command", "message"),
    [
        ("", "predict", "no predict or train reference found in cog.yaml"),
        ('predict: "a.py:B"', "train", "no train reference found in cog.yaml"),
        ('train: "a.py:b"', "serve", "no predict reference found in cog.yaml"),
        ("build: [", "predict", "failed to parse cog.yaml: invalid YAML: "),
        ('predict: "a.py"', "predict", 'invalid predict "a.py": must be in the form'),
    ],
)
def test_a_wrong_cog_yaml_is_one_clear_error(
    config, command, message, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cog.yaml").write_text(config)

    assert outcome_of(root, [command], usage_code=1) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {message}")


def test_a_setting_with_a_wrong_value_is_named(capsys, monkeypatch):
    monkeypatch.setenv("COG_ENGINE", "podman")

    assert outcome_of(root, ["debug"], usage_code=1) == 1
    assert "`COG_ENGINE`" in capsys.readouterr().err


def test_a_folder_without_a_project_is_told(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert outcome_of(root, ["predict"], usage_code=1) == 1
    assert f"cog.yaml not found in {tmp_path} (or in any parent directories)" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "text=hello"], "Invalid image name 'text=hello'. Did you forget `-i`?"),
        (["exec", "-p", "80x", "ls"], 'invalid port "80x": '),
        (["exec", "-p", "80:80:80", "ls"], 'invalid port "80:80:80": expected [HOST:]PORT'),
        (["exec", "-p", ":80", "ls"], 'invalid port ":80": '),
        (["serve", "--upload-url", "ftp://x"], "no http:// or https:// URL: ftp://x"),
        (["serve", "--upload-url", "http://"], "no http:// or https:// URL: http://"),
        (["env", "prune", "--budget", "lots"], "Not a size such as 500MB or 20GB: lots"),
    ],
)
def test_mistakes_are_found_before_anything_is_made(arguments, message, capsys):
    assert outcome_of(root, arguments, usage_code=1) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--json", "{"], "Failed to parse JSON: "),
        (["predict", "--json", "@none.json"], "Failed to read none.json: no such file or dir"),
        (["predict", "--json", "@latin.json"], "Failed to read latin.json: not valid UTF-8"),
        (["predict", "-i", "a=@"], 'input "a": no path follows the @'),
        (["predict", "-o", "none/output"], "Output path is not writable: none/output"),
        (["predict", "--gpus", "some"], "--gpus is none of `all`, a number or `device=0,1`: some"),
        (["predict", "--setup-timeout", "long"], "'long' is not a valid number of seconds"),
        (["serve", "-p", "x"], "'x' is not a valid port"),
        (["serve", "--keep-weights"], "--keep-weights goes with --reload"),
        (["serve", "built", "--reload"], "--reload is for the project in this folder"),
        (["serve", "--host", "203.0.113.1"], "Give an address of this machine to `--host`"),
        (["train"], "train.py not found\nhint: cog.yaml says `train.py:train`"),
        (["build", "-t", "Wrong Name"], "Invalid image name 'Wrong Name'."),
    ],
)
def test_a_projects_mistakes_are_found_before_its_environment_is_made(
    arguments, message, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cog.yaml").write_text('predict: "predict.py:Predictor"\ntrain: "train.py:train"')
    (tmp_path / "predict.py").write_text(PREDICTOR)
    (tmp_path / "latin.json").write_bytes(b'{"text": "caf\xe9"}')

    assert outcome_of(root, arguments, usage_code=1) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("variable", "arguments"),
    [("COG_DATA_DIR", ["predict", "hello"]), ("COG_CACHE_DIR", ["predict"])],
)
def test_a_folder_of_ours_that_cannot_be_used_is_told_with_its_setting(
    variable, arguments, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "cog.yaml").write_text('predict: "predict.py:Predictor"')
    (tmp_path / "predict.py").write_text(PREDICTOR)
    monkeypatch.setenv(variable, str(tmp_path / "file" / "data"))

    assert outcome_of(root, arguments, usage_code=1) == 1
    said = capsys.readouterr().err
    assert "Not a directory" in said
    assert said.endswith(f"hint: Choose another folder with `{variable}`\n")


@pytest.mark.bare
def test_help_imports_nothing_but_what_it_needs():
    """The help of the whole command is there at once: heavy modules wait for who needs them."""
    code = (
        "import sys; from coghub.cli.main import outcome_of, root;"
        "outcome_of(root, ['--help'], usage_code=1);"
        "print(sorted({'yaml', 'json', 'asyncio', 'http.client', 'jsonschema_rs', 'cog',"
        " 'coghub.build', 'coghub.engines', 'socket', 'ssl'} & set(sys.modules)), file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stderr.strip() == "[]"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_told():
    cog_path = Path(sys.executable).with_name("cog")

    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [cog_path, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert ran.returncode == 1
    assert ran.stderr == "error: No space left on device: standard output\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirection", "exit_code"),
    [("2>&-", 0), (">&-", 0), (">&- 2>&-", 0), ("| exec 0<&-", 0)],
)
def test_closed_streams_are_no_reason_to_fail(redirection, exit_code):
    cog_path = Path(sys.executable).with_name("cog")

    ran = subprocess.run(
        ["/bin/sh", "-c", f"{cog_path} --help {redirection}"], capture_output=True, check=False
    )

    assert ran.returncode == exit_code
    assert b"Traceback" not in ran.stderr
