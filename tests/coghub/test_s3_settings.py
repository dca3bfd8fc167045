"""What the environment says of S3."""

import pytest

from coghub.domain.errors import SettingInvalid
from coghub.s3_settings import read_s3_access
from coghub.storage.s3_access import S3Access

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def test_without_anything_it_is_amazon_with_the_rights_of_the_machine():
    assert read_s3_access({}) == S3Access(None, "us-east-1", None, None, None)
    assert read_s3_access({"AWS_REGION": " ", "AWS_ENDPOINT_URL": ""}) == read_s3_access({})


def test_the_variables_of_amazon_are_read():
    said = {
        **KEYS,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000/",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_SESSION_TOKEN": "token",
    }

    assert read_s3_access(said) == S3Access(
        "http://127.0.0.1:9000", "eu-west-1", "key", "secret", "token"
    )
    assert read_s3_access({**said, "AWS_REGION": "eu-north-1"}).region == "eu-north-1"
    own = read_s3_access({**said, "AWS_ENDPOINT_URL_S3": "https://s3.example"})
    assert own.endpoint == "https://s3.example"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"AWS_ENDPOINT_URL": "127.0.0.1:9000"}, "AWS_ENDPOINT_URL"),
        ({"AWS_ACCESS_KEY_ID": "key"}, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "s3cret"}, "AWS_ACCESS_KEY_ID"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_secret_is_told(environ, named):
    with pytest.raises(SettingInvalid, match=named) as raised:
        read_s3_access(environ)

    assert "s3cret" not in raised.value.message
