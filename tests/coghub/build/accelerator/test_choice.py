"""Every row of the tables is resolved, and each thing that Cog gets wrong is right here."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coghub.build.accelerator.base_image import cuda_image, cudnns
from coghub.build.accelerator.choice import CPU_INDEX, choose
from coghub.build.accelerator.tables import TABLES, image_rows, tensorflow_rows, torch_rows
from coghub.build.cog_yaml import Command
from coghub.build.plan import Plan
from coghub.domain.errors import ConfigInvalid, RequirementsInvalid


def plan(*requirements, python="3.11", gpu=True, **fields):
    return Plan(python_version=python, requirements=requirements, gpu=gpu, **fields)


def rows(name):
    return json.loads((TABLES / name).read_text("utf-8"))["rows"]


@pytest.mark.parametrize("row", torch_rows(), ids=lambda it: f"{it.version}-{it.cuda or 'cpu'}")
def test_every_torch_is_resolved_for_each_of_its_pythons(row):
    lines = (f"torch=={row.version}", f"torchvision=={row.torchvision}")

    for python in row.pythons:
        chosen = choose(plan(*lines, python=python, gpu=row.cuda is not None, cuda=row.cuda))

        assert chosen.base_image == f"python:{python}-slim"
        assert chosen.requirements == lines
        assert chosen.extra_index_urls == ((row.index_url,) if row.index_url else ())
        assert chosen.warnings == ()


@pytest.mark.parametrize("row", tensorflow_rows(), ids=lambda it: str(it.version))
def test_every_tensorflow_that_a_python_of_today_has_is_resolved(row):
    pythons = [one for one in row.pythons if int(one.split(".")[1]) >= 10]
    lines = (f"tensorflow=={row.version}",)
    if not pythons:
        with pytest.raises(RequirementsInvalid, match=r"has no wheel for Python 3\.11"):
            choose(plan(*lines))
    for python in pythons:
        chosen = choose(plan(*lines, python=python))

        assert chosen.base_image.startswith("nvidia/cuda:")
        assert chosen.requirements == lines
        assert chosen.cudnn == row.cudnn
        assert chosen.warnings == ()


@pytest.mark.parametrize("row", image_rows(), ids=lambda it: it.tag)
def test_every_image_is_found_by_its_cuda(row):
    found = cuda_image(str(row.cuda), row.cudnn)

    assert (found.cuda, found.cudnn) == (row.cuda, row.cudnn)
    assert found.ubuntu >= row.ubuntu


@pytest.mark.parametrize("row", rows("cuda_choice_by_minor.json"), ids=lambda it: it["cuda"])
def test_a_cuda_without_a_patch_is_the_image_that_cog_takes(row):
    assert cuda_image(row["cuda"], row["cudnn"]).tag == row["tag"]
    assert cuda_image(row["cuda"], None).tag == row["tag"]


@pytest.mark.parametrize("row", rows("torch_default_cuda.json"), ids=lambda it: it["torch"])
def test_without_a_cuda_the_highest_of_a_torch_is_taken(row):
    python = next(it.pythons[-1] for it in torch_rows() if str(it.version) == row["torch"])

    assert choose(plan(f"torch=={row['torch']}", python=python)).cuda == row["cudas"][-1]


@pytest.mark.parametrize(
    ("requirements", "cuda", "tag"),
    [
        ((), None, "11.8.0-cudnn8-devel-ubuntu22.04"),
        ((), "12.1", "12.1.1-cudnn8-devel-ubuntu22.04"),
        ((), "12.4", "12.4.1-cudnn-devel-ubuntu22.04"),
        ((), "12.6", "12.6.3-cudnn-devel-ubuntu24.04"),
        (("torch==2.8.0",), None, "12.9.1-cudnn-devel-ubuntu24.04"),
    ],
)
def test_nvidias_image_is_the_one_that_cog_would_take(requirements, cuda, tag):
    chosen = choose(plan(*requirements, cuda=cuda), wants_cuda_image=True)

    assert chosen.base_image == f"nvidia/cuda:{tag}"
    assert chosen.python_image == "python:3.11-slim-bookworm"


def test_the_python_for_an_older_ubuntu_is_of_an_older_debian():
    chosen = choose(plan(cuda="11.3"), wants_cuda_image=True)

    assert chosen.base_image.endswith("ubuntu20.04")
    assert chosen.python_image == "python:3.11-slim-bullseye"


SEED = (
    "torch==2.4.1",
    "torchvision==0.19.1",
    "diffusers==0.32.2",
    "transformers==4.44.0",
    "accelerate==0.33.0",
    "sentencepiece==0.2.0",
    "protobuf==5.27.3",
    "numpy==1.26.0",
    "pillow==10.4.0",
    "peft==0.13.0",
)


def test_the_flux_model_begins_with_a_slim_image_and_the_wheels_of_its_cuda():
    chosen = choose(plan(*SEED, cuda="12.4", run=(Command("curl -o /usr/local/bin/pget -L x"),)))

    assert chosen.base_image == "python:3.11-slim"
    assert chosen.extra_index_urls == ("https://download.pytorch.org/whl/cu124/",)
    assert chosen.requirements == SEED
    assert any("nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04" in note for note in chosen.notes)


# --- what Cog gets wrong ---


@pytest.mark.parametrize(
    "line",
    [
        "torch[opt-einsum]==2.4.1",
        'torch==2.4.1 ; python_version < "3.13"',
        "Torch == 2.4.1",
        "torch==2.4.1+cu124",
        "torch===2.4.1",
        "torch>=2.4,<2.4.2",
        "torch~=2.4.0",
    ],
)
def test_extras_markers_tags_and_ranges_survive(line):
    chosen = choose(plan(line, "pandas"))

    assert chosen.requirements == (line, "pandas")
    assert chosen.extra_index_urls == ("https://download.pytorch.org/whl/cu124/",)


def test_hashes_are_of_certain_files_so_that_no_index_is_added():
    assert choose(plan("torch==2.4.1 --hash=sha256:abc")).extra_index_urls == ()


@pytest.mark.parametrize("version", ["2.16.1", "2.17.0"])
def test_a_tensorflow_between_two_cudnns_builds_on_the_nearest_cuda(version):
    chosen = choose(plan(f"tensorflow=={version}"))

    assert chosen.base_image == "nvidia/cuda:12.2.2-cudnn8-devel-ubuntu22.04"
    assert any("CUDA 12.2.2 is taken" in note for note in chosen.notes)


@pytest.mark.parametrize(("cuda", "is_warned"), [("12.2", False), ("12.4", True)])
def test_a_tensorflow_is_warned_of_where_its_cuda_differs_and_stays(cuda, is_warned):
    chosen = choose(plan("tensorflow==2.15.0", cuda=cuda))

    assert bool(chosen.warnings) is is_warned
    assert chosen.requirements == ("tensorflow==2.15.0",)
    if is_warned:
        assert chosen.warnings[0].startswith(
            "Cog doesn't know if CUDA 12.4 is compatible with Tensorflow 2.15.0."
            " This might cause CUDA problems."
        )


def test_a_torch_is_warned_of_where_its_cuda_is_not_known():
    chosen = choose(plan("torch==2.4.1", cuda="12.6"))

    assert chosen.warnings == (
        (
            "Cog doesn't know if CUDA 12.6 is compatible with PyTorch 2.4.1."
            " This might cause CUDA problems. Try 12.4 instead?"
        ),
    )
    assert chosen.extra_index_urls == ("https://download.pytorch.org/whl/cu124/",)


def test_what_is_newer_than_the_tables_brings_its_own_cuda():
    torch = choose(plan("torch==99.0.0"))
    tensorflow = choose(plan("tensorflow==99.0.0"))

    for chosen in (torch, tensorflow):
        assert chosen.base_image == "python:3.11-slim"
        assert len([note for note in chosen.notes if "newer than what is known" in note]) == 1
    assert torch.requirements == ("torch==99.0.0",)
    assert torch.extra_index_urls == ()
    assert tensorflow.requirements == ("tensorflow[and-cuda]==99.0.0",)


def test_what_is_older_than_the_tables_asks_for_a_cuda():
    with pytest.raises(ConfigInvalid, match="cog doesn't know what CUDA version is compatible"):
        choose(plan("torch==1.0.0"))


@pytest.mark.parametrize(
    ("line", "python", "told"),
    [
        (
            "torch==2.4.1",
            "3.13",
            "torch 2.4.1 has no wheel for Python 3.13, but for 3.10, 3.11, 3.12",
        ),
        ("tensorflow==2.15.0", "3.12", "tensorflow 2.15.0 has no wheel for Python 3.12"),
    ],
)
def test_a_python_without_wheels_is_refused_before_the_build(line, python, told):
    with pytest.raises(RequirementsInvalid) as refused:
        choose(plan(line, python=python))

    assert refused.value.message.startswith(told)


def test_the_python_is_checked_without_a_gpu_too():
    with pytest.raises(RequirementsInvalid, match=r"has no wheel for Python 3\.13"):
        choose(plan("torch==2.4.1", python="3.13", gpu=False))


def test_a_torchvision_of_another_torch_is_warned_of():
    chosen = choose(plan("torch==2.4.1", "torchvision==0.18.0"))

    assert chosen.warnings == ("torchvision 0.18.0 does not belong to torch 2.4.1: 0.19.1 does",)


def test_cudnn_that_tensorflow_cannot_use_is_refused():
    with pytest.raises(ConfigInvalid) as refused:
        choose(plan("tensorflow==2.15.0", cudnn="9"))

    assert refused.value.message == (
        "the specified cuDNN version 9 is not compatible with tensorflow==2.15.0.\n"
        "Compatible cuDNN version is: 8"
    )


# --- which image ---


@pytest.mark.parametrize(
    "fields",
    [
        {"requirements": ("torch==2.4.1", "flash-attn==2.6.3")},
        {"requirements": ("torch==2.4.1", "git+https://github.com/x/diff-gaussian-rasterization")},
        {"requirements": ("torch==2.4.1",), "run": (Command("nvcc --version"),)},
        {"requirements": ("torch==2.4.1",), "environment": {"TORCH_CUDA_ARCH_LIST": "8.6"}},
        {"requirements": ("torch==2.4.1",), "system_packages": ("libcudnn8",)},
        {"requirements": ("torch==2.4.1",), "cudnn": "9"},
        {"requirements": ("onnxruntime-gpu==1.18",)},
    ],
)
def test_what_is_compiled_or_looks_for_cuda_gets_nvidias_image(fields):
    chosen = choose(Plan(python_version="3.11", gpu=True, **fields))

    assert chosen.base_image.startswith("nvidia/cuda:")


def test_either_image_can_be_asked_for():
    slim = choose(plan("torch==2.4.1", "flash-attn"), wants_cuda_image=False)
    cuda = choose(plan("torch==2.4.1"), wants_cuda_image=True)

    assert slim.base_image == "python:3.11-slim"
    assert cuda.base_image == "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04"


def test_without_a_gpu_cuda_means_nothing_and_torch_is_the_small_one():
    chosen = choose(plan("torch", "numpy", gpu=False, cuda="12.4"))

    assert chosen.base_image == "python:3.11-slim"
    assert chosen.extra_index_urls == (CPU_INDEX,)
    assert chosen.cuda is None
    assert choose(plan("numpy", gpu=False)).extra_index_urls == ()


def test_an_unknown_cuda_is_told():
    with pytest.raises(ConfigInvalid, match=r"CUDA 99\.9 is not supported by Cog"):
        choose(plan(cuda="99.9"))

    assert cudnns("99.9") == []


names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True).filter(
    lambda name: "torch" not in name and "tensorflow" not in name
)


@given(
    st.lists(st.tuples(names, st.sampled_from(["", "==1.2", ">=1", "[a]==2 ; os_name=='posix'"])))
)
def test_other_packages_are_never_changed(others):
    lines = tuple(name + rest for name, rest in others)

    assert choose(plan("torch==2.4.1", *lines)).requirements == ("torch==2.4.1", *lines)
