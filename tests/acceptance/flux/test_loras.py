"""LoRAs in the true pipelines, from every site, one at a time and together."""

import base64
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.acceptance.flux.conftest import image_of, served
from tests.acceptance.flux.sites import TOKEN

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(600)]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(image_of(content), int)


def test_a_lora_changes_the_picture_and_without_it_all_is_as_before(flux):
    base = flux.picture()

    assert flux.picture(hf_loras=["diffusers.safetensors"]) != base
    assert flux.picture() == base


@pytest.mark.parametrize("dialect", ["kohya", "xlabs"])
def test_a_lora_is_the_same_in_every_dialect(flux, dialect):
    wanted = pixels(flux.picture(hf_loras=["diffusers.safetensors"]))

    assert abs(pixels(flux.picture(hf_loras=[f"{dialect}.safetensors"])) - wanted).max() <= 2


def test_at_full_size_every_layer_has_a_place_in_every_dialect(project):
    script = Path(__file__).with_name("full_size.py")

    done = project("exec", "-e", f"PYTHONPATH={project.folder}", "python", str(script))

    assert done.stdout == "fal 495\nkohya 494\n", done.stderr


def test_a_scale_of_zero_is_none_and_larger_scales_change_more(flux):
    base = pixels(flux.picture())
    changes = [
        abs(pixels(flux.picture(hf_loras=["diffusers.safetensors"], lora_scales=[it])) - base).sum()
        for it in (0, 0.2, 1)
    ]

    assert changes[0] == 0
    assert 0 < changes[1] < changes[2]


def test_two_loras_with_scales_are_their_sum(flux):
    both = flux.picture(
        hf_loras=["diffusers.safetensors", "other.safetensors"], lora_scales=[0.75, 0.5]
    )
    total = flux.picture(hf_loras=["sum.safetensors"], lora_scales=[1])

    assert abs(pixels(both) - pixels(total)).max() <= 2
    assert both != flux.picture(hf_loras=["diffusers.safetensors"], lora_scales=[0.75])


def test_one_that_is_given_twice_counts_twice(flux):
    twice = flux.picture(hf_loras=["diffusers.safetensors"] * 2, lora_scales=[0.25, 0.25])

    assert twice == flux.picture(hf_loras=["diffusers.safetensors"], lora_scales=[0.5])


def test_a_lora_works_with_an_image_too(flux):
    picture = "data:image/png;base64," + base64.b64encode(flux.picture()).decode()
    asked = {"image": picture, "width": 128, "height": 128, "prompt_strength": 0.9}

    base = flux.picture(**asked)

    assert flux.picture(**asked, hf_loras=["diffusers.safetensors"]) != base
    assert flux.picture(**asked) == base


def test_a_loaded_lora_is_not_loaded_again(flux):
    asked = {"hf_loras": ["other.safetensors"], "lora_scales": [0.3]}
    flux.predict(**asked)

    assert "Loaded the LoRA" not in flux.predict(**asked)["logs"]


@pytest.mark.parametrize(
    ("said", "lora"),
    [
        ("ada/style", "diffusers"),
        ("ada/single", "other"),
        ("ada/style@old", "kohya"),
        ("ada/style/extra/second.safetensors", "other"),
        ("https://huggingface.co/ada/style/tree/main/extra", "other"),
        ("https://huggingface.co/ada/style/resolve/main/lora.safetensors", "diffusers"),
        ("https://civitai.com/models/7/a-style", "other"),
        ("https://civitai.com/models/7?modelVersionId=71", "diffusers"),
        ("https://civitai.com/api/download/models/72?type=Model", "other"),
        ("https://replicate.com/ada/style", "other"),
        ("ada/style:0abcde", "diffusers"),
        ("{sites}/delivery/xyz/trained_model.tar", "other"),
        ("{sites}/files/kohya.safetensors", "kohya"),
        ("{sites}/store/other/anything", "other"),
    ],
)
def test_every_source_gives_its_lora(flux, sites, said, lora):
    wanted = flux.picture(hf_loras=[f"{lora}.safetensors"])

    assert flux.picture(hf_loras=[said.format(sites=sites.address)]) == wanted


def test_a_data_uri_holds_a_lora(flux, sites):
    text = base64.b64encode(sites.read("other")).decode()

    made = flux.picture(hf_loras=[f"data:application/octet-stream;base64,{text}"])

    assert made == flux.picture(hf_loras=["other.safetensors"])


@pytest.mark.parametrize(
    ("said", "token"),
    [("ada/private", "hf_token"), ("https://civitai.com/api/download/models/73", "civitai_token")],
)
def test_private_files_want_their_token_each_time_and_it_is_shown_nowhere(flux, sites, said, token):
    refused = flux.error(hf_loras=[said])
    wrong = flux.error(hf_loras=[said], **{token: "wrong-token"})
    allowed = flux.predict(hf_loras=[said], **{token: TOKEN})
    later = flux.error(hf_loras=[said])

    assert "401" in refused
    assert "hf_token or civitai_token" in refused
    assert allowed["status"] == "succeeded", allowed
    assert "401" in later  # what one has fetched is not another's
    assert "wrong-token" not in wrong
    assert TOKEN not in str({**allowed, "output": None, "input": None})
    assert TOKEN not in "".join(flux.serving.log)


def test_another_host_is_not_told_the_token(flux, sites):
    sites.asked.clear()
    sites.told.clear()

    flux.predict(hf_loras=["ada/private"], hf_token=f"{TOKEN}")
    flux.predict(hf_loras=["https://civitai.com/api/download/models/73"], civitai_token=TOKEN)

    told = {it for path, it in zip(sites.asked, sites.told, strict=True) if "/store/" in path}
    assert told <= {None}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ada/several", "holds several, name one of them: one.safetensors, two.safetensors"),
        ("ada/empty", "holds no .safetensors"),
        ("ada/style/none.safetensors", "404"),
        ("{sites}/files/none.safetensors", "404"),
        ("{sites}/files/page.safetensors.html", "is no file of safetensors"),
        ("{sites}/delivery/empty.tar", "holds no .safetensors"),
        ("https://civitai.com/models/8", "Civitai does not show the model"),
        ("a fox", "No LoRA is named so"),
        ("../../cog.yaml", "Paths of LoRAs lead into"),
        ("http://127.0.0.1:1/a.safetensors", "Connection refused"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(flux, sites, said, reason):
    error = flux.error(hf_loras=[said.format(sites=sites.address)])

    assert reason in error
    assert "\n" not in error.strip()
    assert flux.picture()


def test_what_does_not_fit_the_model_is_listed(flux):
    base = flux.picture()

    error = flux.error(hf_loras=["strange.safetensors"])

    assert "no place for 1 of its 305 tensors" in error
    assert "transformer.somewhere.else.lora_A.weight: there is no such layer" in error
    assert flux.picture() == base


def test_scales_are_counted(flux):
    assert "There are 2 lora_scales for 1 hf_loras" in flux.error(
        hf_loras=["other.safetensors"], lora_scales=[1, 1]
    )
    assert flux.picture(hf_loras=["other.safetensors"]) == flux.picture(
        hf_loras=["other.safetensors"], lora_scales=[0.8]
    )


def test_unused_loras_go_when_there_is_no_room(made, torch_environ, sites, tmp_path):
    asked = [{"hf_loras": [f"{it}.safetensors"]} for it in ("diffusers", "other", "diffusers")]
    with served(
        made, {**torch_environ, **sites.environ, "FLUX_LORA_MEMORY_GIB": "0.00002"}, tmp_path
    ) as flux:
        base = flux.picture()
        pictures = [flux.predict(**it) for it in asked]

        assert all("Loaded the LoRA" in it["logs"] for it in pictures)
        assert pictures[0]["output"] == pictures[2]["output"]
        assert flux.picture() == base


def test_two_models_fetch_a_lora_once_and_a_full_cache_makes_room(
    made, torch_environ, sites, tmp_path
):
    """Their cache is one folder, with room for one LoRA."""
    environ = {**torch_environ, **sites.environ, "FLUX_LORA_DISK_GIB": "0.00007"}
    with (
        served(made, environ, tmp_path) as one,
        served(shutil.copytree(made, tmp_path / "two"), environ, tmp_path) as two,
    ):
        wanted = one.picture(hf_loras=["other.safetensors"])
        sites.asked.clear()
        with ThreadPoolExecutor() as pool:
            said = {"hf_loras": [f"{sites.address}/files/other.safetensors"]}
            made_by = list(pool.map(lambda it: it.picture(**said), (one, two)))
        fetched = sites.count("/files/other")
        other = one.predict(hf_loras=[f"{sites.address}/files/kohya.safetensors"])
        too_large = one.error(hf_loras=[f"{sites.address}/files/sum.safetensors"])

    assert made_by == [wanted, wanted]
    assert fetched == 2  # its first byte, and the file
    assert other["status"] == "succeeded", other
    assert "No room for" in too_large
    assert len(list((tmp_path / "weights" / "files").glob("sha256/*/*"))) == 1
