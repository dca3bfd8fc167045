"""Where a URL of any scheme is to be asked for over http, and with what headers.

`hf://OWNER/NAME[@REVISION]/PATH` and `s3://BUCKET/KEY` need `huggingface_hub` and `boto3`, which
know the tokens, keys and addresses that the user has set up for them.
"""

import importlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from cog.errors import FetchError

HUGGING_FACE = re.compile(r"([^/@]+/[^/@]+)(?:@([^/]+))?/(.+)")
KINDS = {"datasets/": "dataset", "spaces/": "space"}
LINK_LASTS_S = 24 * 3600
"""A signed link outlives the longest download of one file."""


def located(url: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Return the address of a file, and the headers to ask with.

    Raises:
        FetchError: if the URL is none of a file, or its scheme's library is not there.
    """
    scheme = urlsplit(url).scheme
    if scheme in {"http", "https"}:
        return url, headers
    if scheme in {"hf", "huggingface"}:
        return _hugging_face(url, headers)
    if scheme == "s3":
        return _s3(url), headers
    raise FetchError(f"Not an http, https, hf or s3 URL: {url}")


def _hugging_face(url: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    hub = _library("huggingface_hub", url)
    rest = url.partition("://")[2]
    kind = next((it for it in KINDS if rest.startswith(it)), "")
    found = HUGGING_FACE.fullmatch(rest.removeprefix(kind))
    if found is None:
        raise FetchError(f"Not hf://OWNER/NAME[@REVISION]/PATH: {url}")
    name, revision, path = found.groups()
    revision = unquote(revision) if revision else None  # of `refs/pr/1` the slashes are escaped
    address = hub.hf_hub_url(name, path, repo_type=KINDS.get(kind), revision=revision)
    is_told = any(it.lower() == "authorization" for it in headers)
    token = None if is_told else hub.get_token()
    return address, {**headers, "Authorization": f"Bearer {token}"} if token else headers


def _s3(url: str) -> str:
    boto3 = _library("boto3", url)
    bucket, _, key = url.partition("://")[2].partition("/")
    if not bucket or not key:
        raise FetchError(f"Not s3://BUCKET/KEY: {url}")
    session = boto3.Session()
    config = None
    if session.get_credentials() is None:  # of a bucket that everybody may read
        botocore = importlib.import_module("botocore")
        config = importlib.import_module("botocore.config").Config(
            signature_version=botocore.UNSIGNED
        )
    asked = {"Bucket": bucket, "Key": key}
    try:
        client = session.client("s3", config=config)
        address: str = client.generate_presigned_url(
            "get_object", Params=asked, ExpiresIn=LINK_LASTS_S
        )
    except Exception as error:  # what botocore raises has no base but this
        raise FetchError(f"{error}: {url}") from error
    return address


def _library(name: str, url: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FetchError(f"Needs the package `{name}` in the model's environment: {url}") from error
