"""The certificate that `COG_CA_CERT` names: a file, a folder of them, or the text itself."""

from pathlib import Path

from coghub.domain.errors import SettingInvalid
from coghub.settings import Settings

MARK = "-----BEGIN CERTIFICATE-----"
SUFFIXES = (".crt", ".pem", ".cer")


def certificate_of(settings: Settings) -> bytes | None:
    """Return the certificates as PEM; None where none is set.

    Raises:
        SettingInvalid: if there is none where the setting says.
    """
    said = settings.ca_certificate
    if said is None:
        return None
    if MARK in said:
        return said.encode()
    path = Path(said).expanduser()
    files = sorted(one for one in path.glob("*") if one.suffix in SUFFIXES)
    try:
        content = b"\n".join(one.read_bytes() for one in (files if path.is_dir() else [path]))
    except OSError as error:
        raise SettingInvalid(f"`COG_CA_CERT` cannot be read: {path}: {error.strerror}") from error
    if MARK.encode() not in content:
        raise SettingInvalid(f"`COG_CA_CERT` names no certificate in PEM: {path}")
    return content
