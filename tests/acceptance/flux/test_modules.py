"""The parts of the Flux example that need no torch."""

import base64
import io
import tarfile
import zipfile
from contextlib import ExitStack

import memory
import pytest
import sizes
from lora_files import Sites

from cog.weights import WeightsCache

GIB = memory.GIB
FLUX_PARTS = {"transformer": 22 * GIB, "text_encoder_2": 9 * GIB, "vae": GIB // 4}


@pytest.mark.parametrize("ratio", sizes.ASPECT_RATIOS)
@pytest.mark.parametrize(("megapixels", "pixels"), [("1", 1024**2), ("0.25", 512**2)])
def test_every_choice_is_of_its_shape_and_about_its_pixels(ratio, megapixels, pixels):
    size = sizes.size_of(ratio, megapixels)

    width, height = map(int, ratio.split(":"))
    assert size.width / size.height == pytest.approx(width / height, rel=0.07)
    assert size.width * size.height == pytest.approx(pixels, rel=0.08)
    assert size.width % 16 == size.height % 16 == 0


@pytest.mark.parametrize(
    ("asked", "given"),
    [((500, 260), (496, 256)), ((1024, 1024), (1024, 1024)), ((64, 1000), (64, 992))],
)
def test_custom_sizes_are_rounded_to_multiples_of_16(asked, given):
    assert sizes.rounded(*asked) == given


@pytest.mark.parametrize(
    ("picture", "given"),
    [((4000, 3000), (1184, 880)), ((100, 100), (1024, 1024)), ((10, 9000), (64, 2048))],
)
def test_an_image_keeps_its_shape(picture, given):
    assert sizes.like(sizes.Size(*picture), "1") == given


@pytest.mark.parametrize(
    ("gib", "name"),
    [(80, "resident"), (40, "resident"), (37, "resident"), (36, "model"), (27, "model"),
     (26, "sequential"), (8, "sequential")],
)  # fmt: skip
def test_the_fastest_plan_that_fits_is_taken(gib, name):
    parts = {"transformer": 22 * GIB, "text_encoder_2": 9 * GIB, "vae": GIB // 4}

    assert memory.plan(gib * GIB, parts).name == name


def test_a_plan_says_why():
    assert str(memory.plan(24 * GIB, FLUX_PARTS)) == (
        "sequential: the GPU has 24.0 GiB, and resident needs 36.2 GiB, model needs 27.0 GiB"
    )
    assert str(memory.plan(None, FLUX_PARTS)) == "cpu: there is no GPU"
    assert str(memory.plan(8 * GIB, FLUX_PARTS, "resident")) == "resident: as FLUX_MEMORY says"


@pytest.mark.parametrize(("gpu_bytes", "wanted"), [(None, "model"), (GIB, "cpu"), (GIB, "lots")])
def test_a_plan_that_cannot_be_is_refused(gpu_bytes, wanted):
    with pytest.raises(ValueError, match=f"FLUX_MEMORY is {wanted}, and here can be: "):
        memory.plan(gpu_bytes, FLUX_PARTS, wanted)


@pytest.fixture
def places(tmp_path) -> Sites:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "own.safetensors").write_bytes(b"own")
    (tmp_path / "secret.safetensors").write_bytes(b"secret")
    return Sites(
        WeightsCache(tmp_path / "cache"),
        tmp_path / "loras",
        hf_token="for-hf",
        civitai_token="for-civitai",
    )


HF = {"Authorization": "Bearer for-hf"}
CIVITAI = {"Authorization": "Bearer for-civitai"}


@pytest.mark.parametrize(
    ("said", "url", "headers"),
    [
        ("ada/style/lora.safetensors", "hf://ada/style@main/lora.safetensors", HF),
        ("ada/style@v2/a/b.safetensors", "hf://ada/style@v2/a/b.safetensors", HF),
        ("hf://ada/style/b.safetensors", "hf://ada/style@main/b.safetensors", HF),
        (
            "https://huggingface.co/ada/style/blob/main/b.safetensors",
            "hf://ada/style@main/b.safetensors",
            HF,
        ),
        (
            "huggingface.co/ada/style/resolve/refs%2Fpr%2F1/b.safetensors?download=true",
            "hf://ada/style@refs%2Fpr%2F1/b.safetensors",
            HF,
        ),
        ("https://replicate.com/ada/style", "https://replicate.com/ada/style/_weights", {}),
        (
            "replicate.com/ada/style/versions/0abcde",
            "https://replicate.com/ada/style/versions/0abcde/_weights",
            {},
        ),
        ("ada/style:0abcde", "https://replicate.com/ada/style/versions/0abcde/_weights", {}),
        (
            "https://civitai.com/models/7/a-style?modelVersionId=71",
            "https://civitai.com/api/download/models/71",
            CIVITAI,
        ),
        ("civitai:7@71", "https://civitai.com/api/download/models/71", CIVITAI),
        (
            "urn:air:flux1:lora:civitai:7@71",
            "https://civitai.com/api/download/models/71",
            CIVITAI,
        ),
        (
            "https://civitai.com/api/download/models/71?type=Model&format=SafeTensor",
            "https://civitai.com/api/download/models/71?type=Model&format=SafeTensor",
            CIVITAI,
        ),
        (
            "https://replicate.delivery/xyz/trained_model.tar",
            "https://replicate.delivery/xyz/trained_model.tar",
            {},
        ),
        ("https://files.example/a.safetensors?x=1", "https://files.example/a.safetensors?x=1", {}),
    ],
)
def test_every_form_leads_to_a_file_and_only_its_site_is_told_the_token(places, said, url, headers):
    assert places._address(said) == (url, headers)


@pytest.mark.parametrize("said", ["", "style", "ftp://files.example/a.safetensors", "a/b c", "<x>"])
def test_what_is_no_lora_is_said_to_be_none(places, said):
    with ExitStack() as held, pytest.raises(ValueError, match="No LoRA is named so"):
        places.bring(said, held)


def test_paths_lead_into_their_folder_only(places, tmp_path):
    (tmp_path / "loras" / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    with ExitStack() as held:
        assert places.bring("own.safetensors", held).read() == b"own"
        assert places.bring("./own.safetensors", held).read() == b"own"
        assert places.bring(f"{tmp_path}/loras/own.safetensors", held).read() == b"own"
        for outside in ("../secret.safetensors", f"{tmp_path}/secret.safetensors",
                        "file:///etc/passwd", "link.safetensors"):  # fmt: skip
            with pytest.raises(ValueError, match="Paths of LoRAs lead into"):
                places.bring(outside, held)
        with pytest.raises(ValueError, match="no such file"):
            places.bring("./none.safetensors", held)


def test_data_uris_hold_loras(places):
    text = base64.b64encode(b"inside").decode()
    with ExitStack() as held:
        file = places.bring(f"data:application/octet-stream;base64,{text}", held)

        assert file.read() == b"inside"
        with pytest.raises(ValueError, match="data URI"):
            places.bring("data:application/octet-stream;base64,***", held)
        with pytest.raises(ValueError, match="data URI"):
            places.bring("data:nothing", held)


def test_secrets_are_not_shown(places):
    assert "for-" not in repr(places)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_holds_one_lora_or_one_of_the_usual_name(places, tmp_path, kind):
    def archive(*names: str):
        path = tmp_path / "loras" / f"a.{kind}"
        if kind == "tar":
            with tarfile.open(path, "w:gz") as opened:
                for name in names:
                    member = tarfile.TarInfo(name)
                    member.size = len(name)
                    opened.addfile(member, io.BytesIO(name.encode()))
        else:
            with zipfile.ZipFile(path, "w") as opened:
                for name in names:
                    opened.writestr(name, name)
        with ExitStack() as held:
            return places.bring(f"./a.{kind}", held).read().decode()

    assert archive("a/config.yaml", "a/any.safetensors") == "a/any.safetensors"
    assert archive("x.safetensors", "b/lora.safetensors") == "b/lora.safetensors"
    with pytest.raises(ValueError, match="holds several"):
        archive("x.safetensors", "y.safetensors")
    with pytest.raises(ValueError, match=r"holds no \.safetensors"):
        archive("readme.txt")
