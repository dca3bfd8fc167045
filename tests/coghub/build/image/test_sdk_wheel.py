"""Which SDK goes into an image."""

from dataclasses import replace
from zipfile import ZipFile

import pytest

from coghub.build.image.sdk_wheel import PROOF, sdk_for_image
from coghub.build.sdk import sdk_path
from coghub.domain.errors import SettingInvalid


def test_it_is_this_commands_own(settings, tmp_path, report):
    assert sdk_for_image(settings, tmp_path / "sdk", report) == sdk_path(settings)
    assert report.events == []


def test_a_wheel_of_the_sdk_takes_its_place(settings, tmp_path, report):
    path = tmp_path / "coghub_sdk-9-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        wheel.writestr("cog/__init__.py", "version = 9\n")
        wheel.writestr(PROOF, "")
        wheel.writestr("coghub_sdk-9.dist-info/METADATA", "")

    folder = sdk_for_image(replace(settings, sdk_wheel=str(path)), tmp_path / "sdk", report)

    assert (folder / "cog" / "__init__.py").read_text() == "version = 9\n"
    assert [entry.name for entry in folder.iterdir()] == ["cog"]


@pytest.mark.parametrize("said", ["pypi", "pypi:0.18.0", "https://example.com/cog-1.whl", "dist"])
def test_what_is_not_done_is_said(settings, tmp_path, report, said):
    folder = sdk_for_image(replace(settings, sdk_wheel=said), tmp_path / "sdk", report)

    assert folder == sdk_path(settings)
    assert report.notices == ["`COG_SDK_WHEEL` has no effect: images get the SDK of this command"]


def test_a_wheel_that_is_missing_is_refused(settings, tmp_path, report):
    with pytest.raises(SettingInvalid, match="path not found: /nowhere"):
        sdk_for_image(replace(settings, sdk_wheel="/nowhere/a.whl"), tmp_path / "sdk", report)


def test_a_wheel_of_something_else_is_refused(settings, tmp_path, report, make_wheel):
    path = make_wheel(tmp_path, "cog")

    with pytest.raises(SettingInvalid, match="is not a wheel of `coghub-sdk`"):
        sdk_for_image(replace(settings, sdk_wheel=str(path)), tmp_path / "sdk", report)
