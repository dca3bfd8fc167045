"""cog.yaml: where it is found, what it says, and what is said about its mistakes."""

from pathlib import Path

import pytest

from coghub.build.cog_yaml import Build, Command, Config, Mount
from coghub.build.config import find_config, project_of, read_config
from coghub.domain.errors import ConfigInvalid, ConfigNotFound

GOOD = 'build: {python_version: "3.12"}\n'


def read(folder: Path, text: str) -> Config:
    path = folder / "cog.yaml"
    path.write_text(text, "utf-8")
    return read_config(path)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        read(folder, text)
    return caught.value.message.splitlines()


def test_it_is_found_in_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    found = find_config("cog.yaml", deep)

    assert found == tmp_path / "cog.yaml"
    assert project_of(found, "cog.yaml") == tmp_path


def test_the_project_is_where_a_relative_name_resolves_from(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "gpu.yaml").touch()
    (tmp_path / "sub").mkdir()

    found = find_config("conf/gpu.yaml", tmp_path / "sub")

    assert project_of(found, "conf/gpu.yaml") == tmp_path
    assert project_of(found, str(found)) == tmp_path / "conf"


def test_a_missing_file_names_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigNotFound) as caught:
        find_config("nowhere.yaml", tmp_path)

    text = f"nowhere.yaml not found in {tmp_path} (or in any parent directories)"
    assert caught.value.message == text
    assert caught.value.hint is None  # `cog init` writes another one


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n"])
def test_an_empty_file_is_a_config_with_defaults(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Config()
    assert Config().build.python_version == "3.13"


def test_every_field_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()

    config = read(
        tmp_path,
        """
        build:
          gpu: yes
          python_version: 3.10
          python_requirements: requirements.txt
          system_packages: [ffmpeg, libgl1]
          run:
            - echo hello
            - {command: make, mounts: [{type: secret, id: netrc, target: /root/.netrc}]}
          cuda: 12.4
          cudnn: 9
          sdk_version: 0.18.0
        image: r8.im/alice/hello
        predict: predict.py:Predictor
        train: train.py:train
        environment: [A=1, "B=two=2"]
        """,
    )

    assert config == Config(
        build=Build(
            gpu=True,
            python_version="3.10",
            python_requirements="requirements.txt",
            system_packages=("ffmpeg", "libgl1"),
            run=(
                Command("echo hello"),
                Command("make", (Mount("secret", "netrc", "/root/.netrc"),)),
            ),
            cuda="12.4",
            cudnn="9",
            sdk_version="0.18.0",
        ),
        image="r8.im/alice/hello",
        predict="predict.py:Predictor",
        train="train.py:train",
        environment={"A": "1", "B": "two=2"},
    )


@pytest.mark.parametrize("key", ["run", "predict"])
def test_both_spellings_are_one_reference_and_neither_is_warned_about(
    tmp_path: Path, key: str
) -> None:
    config = read(tmp_path, f"{GOOD}{key}: some-model-1.3b.py:Thing\n")

    assert config.predict == "some-model-1.3b.py:Thing"
    assert config.warnings == ()


def test_unknown_keys_are_nobodys_business(tmp_path: Path) -> None:
    text = (
        "build: {python_version: '3.12', fast: true, cog_runtime: true}\ntests: [x]\nr8: {a: 1}\n"
    )

    assert read(tmp_path, text).build.python_version == "3.12"


def test_nulls_are_absent(tmp_path: Path) -> None:
    config = read(tmp_path, "build:\nimage:\npredict: ~\nenvironment:\n")

    assert config == Config()


def test_other_spellings_are_warned_about(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "build: {python_version: '3.12', python_packages: [torch], pre_install: [ls]}\n"
        "concurrency: {max: 2}\n",
    )

    assert config.warnings == (
        'deprecated field "concurrency.max": use "@cog.concurrent(max=...)" instead',
        'deprecated field "build.python_packages": use "build.python_requirements" instead',
        'deprecated field "build.pre_install": use "build.run" instead',
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "build: {gpu: maybe, python_version: '3.12'}",
            'schema error in "build.gpu": must be a boolean',
        ),
        (
            "[a, b]",
            'failed to parse cog.yaml: invalid YAML: schema error in "cog.yaml": must be a mapping',
        ),
        (
            "build: hello",
            'failed to parse cog.yaml: invalid YAML: schema error in "build": must be a mapping',
        ),
        (
            "build: {python_version: [3]}",
            (
                "failed to parse cog.yaml: invalid YAML: "
                'schema error in "build.python_version": must be a string or number'
            ),
        ),
        (
            "build: {python_version: '3.12', run: [[x]]}",
            (
                "failed to parse cog.yaml: invalid YAML: "
                'schema error in "build.run.0": must be a string or mapping'
            ),
        ),
        (
            "environment: {A: 1}",
            'failed to parse cog.yaml: invalid YAML: schema error in "environment": must be a list',
        ),
        (
            "a: [",
            "failed to parse cog.yaml: invalid YAML: line 2: did not find expected node content",
        ),
        ("run: a.py:B\npredict: a.py:B", "invalid run: only one of run or predict can be set"),
        ("run: x", "invalid run \"x\": must be in the form 'run.py:Runner'"),
        ("predict: x.py", "invalid predict \"x.py\": must be in the form 'predict.py:Predictor'"),
        (
            "train: a.py:b.py:c",
            ("invalid train \"a.py:b.py:c\": must be in the form 'train.py:Trainer'"),
        ),
        (
            "build: {gpu: false}",
            (
                "invalid build.python_version: python_version is required. Add it to the build"
                " section"
                ' of your cog.yaml, e.g. python_version: "3.13"'
            ),
        ),
        (
            "build: {python_version: 3}",
            (
                'invalid build.python_version "3": must include major and minor version'
                " (e.g., '3.11')"
            ),
        ),
        (
            "build: {python_version: x.1}",
            'invalid build.python_version "x.1": invalid major version number',
        ),
        (
            "build: {python_version: 3.x}",
            'invalid build.python_version "3.x": invalid minor version number',
        ),
        (
            "build: {python_version: 3.7}",
            'invalid build.python_version "3.7": minimum supported Python version is 3.10',
        ),
        (
            "build: {python_version: '3.12', python_packages: [a], python_requirements: cog.yaml}",
            (
                "invalid build: only one of python_packages or python_requirements can be set,"
                " not both"
            ),
        ),
        (
            "build: {python_version: '3.12', python_requirements: x}",
            'invalid build.python_requirements "x": file does not exist',
        ),
        (
            "build: {python_version: '3.12', cuda: 12}",
            "invalid build.cuda \"12\": must include both major and minor versions (e.g., '11.8')",
        ),
        (
            "build: {python_version: '3.12', cuda: 10.2}",
            'invalid build.cuda "10.2": minimum supported CUDA version is 11',
        ),
        (
            "build: {python_version: '3.12', gpu: true, cuda: 12.1, cudnn: 9}",
            (
                'invalid build.cudnn "9": CUDA 12.1 is incompatible with CuDNN 9: '
                "compatible CuDNN versions are: 8, 8, 8, 8"
            ),
        ),
        (
            (
                "build: {python_version: '3.12', gpu: true, cuda: 11.8,"
                " python_packages: [tensorflow==2.18.0]}"
            ),
            (
                'invalid build.cuda "11.8": TensorFlow 2.18.0 is incompatible with CUDA 11.8:'
                " TensorFlow 2.18.0 requires CUDA 12.5"
            ),
        ),
        ("concurrency: {max: 0}", 'invalid concurrency.max "0": must be at least 1'),
        (
            "build: {python_version: '3.10'}\nconcurrency: {max: 2}",
            'invalid concurrency.max "2": concurrency requires Python 3.11 or higher',
        ),
        (
            "environment: [CUDA_HOME=/x]",
            (
                'invalid environment: environment variable "CUDA_HOME" is not allowed: '
                "reserved for internal use"
            ),
        ),
        (
            "environment: [secret]",
            'invalid environment: environment variable "secret" is not in the KEY=VALUE format',
        ),
        (
            "environment: [A=1, A=2]",
            'invalid environment: environment variable "A" is already defined',
        ),
        ("model: a/b\nimage: c", "invalid model: 'model' and 'image' cannot both be set"),
        (
            "model: host:5000/a/b:tag",
            (
                'invalid model "host:5000/a/b:tag": must be a bare repository —'
                " tags and digests are not allowed"
            ),
        ),
        (
            "build: {python_version: '3.12', sdk_version: 0.15}",
            (
                'invalid build.sdk_version "0.15": cog version 0.15 is below the minimum required'
                " version 0.16.0"
            ),
        ),
        (
            "build: {python_version: '3.12', run: [{mounts: []}]}",
            "invalid build.run.0: command is required",
        ),
    ],
)
def test_a_mistake_is_told_in_cogs_words(tmp_path: Path, text: str, fault: str) -> None:
    assert faults(tmp_path, text) == [fault]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "build: {python_version: 3.7, gpu: maybe}\nrun: x\nenvironment: [a]\n")

    assert [line.partition('"')[0] for line in found] == [
        "schema error in ",
        "invalid run ",
        "invalid build.python_version ",
        "invalid environment: environment variable ",
    ]


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").mkdir()

    with pytest.raises(ConfigInvalid, match=r"failed to read cog.yaml: Is a directory"):
        read_config(tmp_path / "cog.yaml")


def test_cuda_without_a_gpu_is_not_held_against_tables(tmp_path: Path) -> None:
    assert (
        read(tmp_path, "build: {python_version: '3.12', cuda: 12.1, cudnn: 9}").build.cudnn == "9"
    )
