"""Pictures by the true pipelines: from texts and images, in every size and format."""

import base64
import io
import json
import re
import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.acceptance.flux.conftest import image_of

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(600)]

RATIOS = ["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]
QUARTERS = {
    "1:1": (512, 512),
    "16:9": (672, 384),
    "21:9": (768, 320),
    "3:2": (608, 416),
    "2:3": (416, 608),
    "4:5": (448, 544),
    "5:4": (544, 448),
    "3:4": (448, 576),
    "4:3": (576, 448),
    "9:16": (384, 672),
    "9:21": (320, 768),
}


def gradient(width: int, height: int) -> Image.Image:
    """Return a soft picture: what the tiny autoencoder, in squares of 8 pixels, gives back well."""
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    colours = np.stack([across, down, 0.5 + 0 * down], axis=-1)
    return Image.fromarray((colours * 255).round().astype(np.uint8))


def uri(picture: Image.Image, kind: str = "PNG", **options: object) -> str:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(content.getvalue()).decode()}"


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures, 0 to 255."""
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_a_seed_gives_its_picture_again_and_another_seed_another(flux):
    first = flux.picture(seed=7)

    assert flux.picture(seed=7) == first
    assert flux.picture(seed=8) != first
    assert flux.picture(seed=7, prompt="a fox") != first


def test_further_pictures_have_the_next_seeds(flux):
    several = flux.pictures(seed=7, num_outputs=3)

    assert several == [flux.picture(seed=it) for it in (7, 8, 9)]


def test_without_a_seed_the_one_that_was_drawn_is_told_and_gives_the_picture_again(flux):
    drawn = flux.predict(seed=None)

    seed = drawn["metrics"]["seed"]
    assert f"Seed {seed}\n" in drawn["logs"]
    assert flux.predict(seed=seed)["output"] == drawn["output"]


@pytest.mark.parametrize("ratio", RATIOS)
def test_every_aspect_ratio_gives_its_size(flux, ratio):
    made = flux.picture(aspect_ratio=ratio, megapixels="0.25", num_inference_steps=1)

    assert image_of(made).size == QUARTERS[ratio]


def test_one_megapixel_is_the_default(flux):
    made = flux.predict(aspect_ratio="9:21", num_inference_steps=1)

    assert (made["metrics"]["width"], made["metrics"]["height"]) == (640, 1536)


def test_a_custom_size_is_rounded_and_that_is_said(flux):
    made = flux.predict(width=150, height=70)

    content = base64.b64decode(made["output"][0].partition(",")[2])
    assert image_of(content).size == (144, 64)
    assert "Rounded 150x70 to 144x64: multiples of 16" in made["logs"]


def test_a_width_needs_a_height(flux):
    assert "A width needs a height" in flux.error(width=128, height=None)


@pytest.mark.parametrize(("kind", "name"), [("webp", "WEBP"), ("jpg", "JPEG"), ("png", "PNG")])
def test_formats(flux, kind, name):
    assert image_of(flux.picture(output_format=kind)).format == name


@pytest.mark.parametrize("kind", ["webp", "jpg"])
def test_a_lower_quality_makes_smaller_files(flux, kind):
    sizes = [len(flux.picture(output_format=kind, output_quality=it)) for it in (0, 50, 100)]

    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


def test_image_to_image_keeps_the_image_as_strength_says(flux):
    given = gradient(128, 96)
    made = {
        strength: image_of(
            flux.picture(
                image=uri(given), width=128, height=96, prompt_strength=strength,
                num_inference_steps=50,
            )
        )
        for strength in (0, 0.02, 0.5, 1)
    }  # fmt: skip

    assert difference(made[0], given) < 12
    assert difference(made[0.02], given) < 12
    assert difference(made[0], given) < difference(made[0.5], given) < difference(made[1], given)
    assert difference(made[1], given) > 40


def test_an_image_gives_its_shape(flux):
    made = flux.predict(image=uri(gradient(300, 150)), megapixels="0.25", num_inference_steps=2)

    assert (made["metrics"]["width"], made["metrics"]["height"]) == (720, 368)
    assert "The image of 300x150 gives pictures of 720x368" in made["logs"]


def test_a_photograph_is_turned_upright(flux):
    given = gradient(128, 64)
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side

    made = flux.picture(
        image=uri(given, "JPEG", exif=exif, quality=95), prompt_strength=0, width=64, height=128,
        num_inference_steps=50,
    )  # fmt: skip

    assert difference(image_of(made), given.rotate(-90, expand=True)) < 12


def test_what_is_transparent_is_white(flux):
    clear = Image.new("RGBA", (128, 128), (0, 0, 0, 0))

    made = image_of(
        flux.picture(image=uri(clear), width=128, height=128, prompt_strength=0,
                     num_inference_steps=50)
    )  # fmt: skip

    assert np.asarray(made).mean() > 235


def test_inpainting_makes_the_white_part_anew_and_leaves_the_black(flux):
    given = gradient(128, 128)
    mask = Image.new("L", (128, 128), 0)
    ImageDraw.Draw(mask).rectangle((64, 0, 127, 127), fill=255)

    made = image_of(
        flux.picture(image=uri(given), mask=uri(mask), width=128, height=128, prompt_strength=1)
    )

    left, right = (0, 0, 56, 128), (72, 0, 128, 128)
    assert difference(made.crop(left), given.crop(left)) < 12
    assert difference(made.crop(right), given.crop(right)) > 40


def test_a_mask_needs_an_image(flux):
    assert "A mask needs an image" in flux.error(mask=uri(Image.new("L", (8, 8))))


def test_what_is_no_picture_is_said_to_be_none(flux):
    text = "data:image/png;base64," + base64.b64encode(b"hello").decode()

    assert "image is no picture that can be read" in flux.error(image=text)
    assert "mask is no picture that can be read" in flux.error(
        image=uri(gradient(64, 64)), mask=text
    )


@pytest.mark.parametrize(
    "wrong",
    [{"num_outputs": 5}, {"num_outputs": 0}, {"num_inference_steps": 51}, {"guidance_scale": 11},
     {"aspect_ratio": "7:3"}, {"megapixels": "9"}, {"output_quality": 101}, {"width": 4096},
     {"output_format": "gif"}, {"prompt_strength": 1.1}, {"seed": -1}],
)  # fmt: skip
def test_inputs_have_limits(flux, wrong):
    inputs = {"prompt": "a fox", **wrong}

    reply = flux.serving.request("POST", "/predictions", {"input": inputs})

    assert reply.status == 422
    assert next(iter(wrong)) in reply.content.decode()


def test_a_prediction_tells_its_times_and_progress(flux):
    made = flux.predict(num_outputs=2, num_inference_steps=3)

    metrics = made["metrics"]
    assert metrics["seed"] == 1
    assert metrics["image_count"] == 2
    assert 0 < metrics["generate_time"] < metrics["predict_time"]
    assert metrics["safety_time"] > 0
    assert re.search(r"Steps: 100%\|.*\| 6/6 ", made["logs"])


def test_go_fast_without_a_gpu_changes_nothing_and_says_so(flux):
    usual, fast = flux.predict(go_fast=False), flux.predict(go_fast=True)

    assert fast["output"] == usual["output"]
    assert "go_fast has no effect: the memory plan is cpu" in fast["logs"]


def test_setup_prints_the_memory_plan(flux):
    said = flux.serving.request("GET", "/health-check").json["setup"]["logs"]

    assert "Memory plan cpu: there is no GPU" in said


def test_a_cancel_ends_a_prediction_between_two_steps(flux):
    body = {"input": {"prompt": "a fox", "num_inference_steps": 50, "num_outputs": 4, "seed": 1}}
    ended = []

    def run() -> None:
        ended.append(flux.serving.request("PUT", "/predictions/long", body).json)

    before = flux.picture(seed=3)
    thread = threading.Thread(target=run)
    thread.start()
    while (done := flux.serving.request("POST", "/predictions/long/cancel")).status != 200:
        assert done.status == 404  # it has not begun
    thread.join()

    assert ended[0]["status"] == "canceled"
    assert flux.picture(seed=3) == before
    assert json.dumps(flux.serving.log).count("Setup complete") == 1  # it is the same process


def test_a_very_long_prompt_and_an_odd_one_are_drawn(flux):
    assert flux.picture(prompt="fox " * 5000)
    assert flux.picture(prompt="")
    assert flux.picture(prompt="\U0001f98a \x07 \u202e <b>")
