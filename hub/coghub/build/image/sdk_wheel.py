"""The SDK that goes into an image: this command's own, or the one of a wheel."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

from coghub.build.events import Notice, Report
from coghub.build.sdk import sdk_path
from coghub.domain.errors import SettingInvalid
from coghub.settings import Settings

PROOF = "cog/worker/__init__.py"
"""What no other package of that name has."""


def sdk_for_image(settings: Settings, folder: Path, report: Report) -> Path:
    """Return a folder with the package `cog`.

    Args:
        settings: may name a wheel.
        folder: that a wheel is unpacked into.
        report: hears of a setting that means nothing here.

    Raises:
        SDKNotFound: if the SDK is not installed beside this command.
        SettingInvalid: if the wheel is not there, or not one of the SDK.
    """
    said = settings.sdk_wheel
    if said is None:
        return sdk_path(settings)
    if not said.endswith(".whl") or "://" in said:
        report(Notice("`COG_SDK_WHEEL` has no effect: images get the SDK of this command"))
        return sdk_path(settings)
    path = Path(said).expanduser()
    if not path.exists():
        raise SettingInvalid(f"`COG_SDK_WHEEL`: path not found: {path}")
    try:
        with ZipFile(path) as wheel:
            names = wheel.namelist()
            if PROOF not in names:
                raise _foreign(path)
            wheel.extractall(folder, [name for name in names if name.startswith("cog/")])
    except (OSError, BadZipFile) as error:
        raise _foreign(path) from error
    return folder


def _foreign(path: Path) -> SettingInvalid:
    return SettingInvalid(f"`COG_SDK_WHEEL` is not a wheel of `coghub-sdk`: {path}")
