"""Pictures that are not safe are left out, by two stages."""

from pathlib import Path

import pytest
from tests.acceptance.flux.conftest import served

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def serving(made, torch_environ, tmp_path):
    """Serve the model with other stages."""

    def serve(safety: str):
        return served(made, {**torch_environ, "FLUX_SAFETY": safety}, tmp_path)

    return serve


def test_when_every_stage_flags_every_picture_it_is_an_error(serving):
    with serving("concepts=tiny/suspicious concepts=tiny/suspicious") as flux:
        prediction = flux.predict(num_outputs=2)
        reason = flux.serving.wait_for_log("Picture 2 is left out")
        shown = flux.pictures(num_outputs=2, disable_safety_checker=True)

    assert prediction["status"] == "failed"
    assert "NSFW content was found in every picture" in prediction["error"]
    assert "a concept that is not safe; a concept that is not safe" in reason
    assert len(shown) == 2


def test_the_second_stage_can_clear_what_the_first_has_flagged(serving):
    with serving("concepts=tiny/suspicious nudity") as flux:
        prediction = flux.predict(num_outputs=2)

    assert prediction["status"] == "succeeded", prediction
    assert "left out" not in prediction["logs"]
    assert len(prediction["output"]) == 2


def test_flagged_pictures_are_left_out_and_the_others_returned(flux, project, torch_environ):
    pictures = flux.pictures(num_outputs=4)
    for number, content in enumerate(pictures, start=1):
        (project.folder / f"{number}.png").write_bytes(content)
    script = Path(__file__).with_name("choosy.py")
    made = project("exec", "python", str(script), "choosy", *(f"{it}.png" for it in range(1, 5)))
    assert made.returncode == 0, made.stderr
    flagged = {int(it) for it in made.stdout.split()}
    assert 2 in flagged
    assert 1 not in flagged
    safety = "classes=choosy classes=choosy"

    with served(
        project.folder, {**torch_environ, "FLUX_SAFETY": safety}, project.folder / "cache"
    ) as checked:
        shown = checked.predict(num_outputs=4)

    assert checked.contents(shown) == [
        it for at, it in enumerate(pictures, start=1) if at not in flagged
    ]
    assert shown["metrics"]["image_count"] == 4 - len(flagged)
    for number in flagged:
        assert f"Picture {number} is left out: nsfw at 100%; nsfw at 100%" in shown["logs"]
