"""How S3 is reached, from the variables that all its tools read."""

from collections.abc import Mapping

from coghub.domain.errors import SettingInvalid
from coghub.storage.s3_access import DEFAULT_REGION, S3Access


def read_s3_access(environ: Mapping[str, str]) -> S3Access:
    """Return what an environment says of S3: `AWS_ENDPOINT_URL`, `AWS_REGION`, and keys.

    Raises:
        SettingInvalid: if the endpoint is no address, or a key lacks the other one.
    """
    said = {name: environ.get(f"AWS_{name}", "").strip() or None for name in _NAMES}
    endpoint = said["ENDPOINT_URL_S3"] or said["ENDPOINT_URL"]
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise SettingInvalid(f"`AWS_ENDPOINT_URL` is no http:// or https:// address: {endpoint}")
    if (said["ACCESS_KEY_ID"] is None) != (said["SECRET_ACCESS_KEY"] is None):
        raise SettingInvalid("`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` need each other")
    return S3Access(
        endpoint=endpoint.rstrip("/") if endpoint else None,
        region=said["REGION"] or said["DEFAULT_REGION"] or DEFAULT_REGION,
        access_key_id=said["ACCESS_KEY_ID"],
        secret_access_key=said["SECRET_ACCESS_KEY"],
        session_token=said["SESSION_TOKEN"],
    )


_NAMES = (
    "ENDPOINT_URL_S3",
    "ENDPOINT_URL",
    "REGION",
    "DEFAULT_REGION",
    "ACCESS_KEY_ID",
    "SECRET_ACCESS_KEY",
    "SESSION_TOKEN",
)
