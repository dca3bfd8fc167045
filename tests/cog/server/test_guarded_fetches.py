"""With `COG_FETCH_ALLOW` a server fetches only from where it may, wherever a URL leads."""

import anyio
import pytest
from aiohttp.abc import AbstractResolver

from cog.server.errors import InputFileError
from cog.server.files import InputFiles
from cog.server.outgoing import Outgoing
from cog.server.settings import Settings, read_settings

METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture(autouse=True)
def silence(site):
    site.calls.clear()
    site.answers.clear()


async def fetch(url, folder, allow, resolver=None):
    """Return what a server with these settings makes of a URL."""
    outgoing = Outgoing(allow)
    session = await outgoing.session()
    if resolver is not None:
        session.connector._resolver = resolver
        session.connector._use_dns_cache = False
    files = InputFiles(Settings(predict="", train=None, worker_python=""), outgoing)
    try:
        fetched = await files.fetch({"file": url}, [("file",)], str(folder))
    finally:
        await outgoing.close()
    return await anyio.Path(fetched["file"]).read_text()


def port_of(site):
    return site.url.rpartition(":")[2]


async def test_nothing_is_refused_without_the_setting(site, tmp_path):
    site.answers["/x"] = [(200, {}, b"hello")]

    assert await fetch(f"{site.url}/x", tmp_path, None) == "hello"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1"]
)
async def test_loopback_is_refused_however_it_is_written(site, tmp_path, host):
    with pytest.raises(InputFileError, match=r"Could not download http") as refused:
        await fetch(f"http://{host}:{port_of(site)}/x", tmp_path, "public")

    reasons = ("may not be reached from here: its address is loopback", "is not a canonical IPv4")
    assert any(reason in str(refused.value) for reason in reasons)
    assert site.calls == []


async def test_loopback_may_be_allowed(site, tmp_path):
    site.answers["/x"] = [(200, {}, b"hello")]

    assert await fetch(f"{site.url}/x", tmp_path, "public private") == "hello"
    assert await fetch(f"{site.url}/x", tmp_path, "127.0.0.0/8") == "hello"


async def test_one_address_is_allowed_with_its_port(site, tmp_path):
    site.answers["/x"] = [(200, {}, b"hello")]

    assert await fetch(f"{site.url}/x", tmp_path, f"127.0.0.1:{port_of(site)}") == "hello"
    with pytest.raises(InputFileError, match="is loopback"):
        await fetch(f"{site.url}/x", tmp_path, "127.0.0.1:1")


@pytest.mark.parametrize(
    "target",
    [
        METADATA,
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0/",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
    ],
)
async def test_a_redirect_leads_no_further_than_a_url(site, tmp_path, target):
    site.answers["/x"] = [(302, {"Location": target}, b"")]

    with pytest.raises(InputFileError, match="may not be reached from here"):
        await fetch(f"{site.url}/x", tmp_path, "public private")


async def test_a_redirect_to_another_local_port_is_refused(site, tmp_path):
    site.answers["/x"] = [(302, {"Location": "http://127.0.0.1:1/x"}, b"")]

    with pytest.raises(InputFileError, match=r"`127.0.0.1` may not be reached .* is loopback"):
        await fetch(f"{site.url}/x", tmp_path, f"public 127.0.0.1:{port_of(site)}")


async def test_a_redirect_to_a_file_is_refused(site, tmp_path):
    site.answers["/x"] = [(302, {"Location": "file:///etc/passwd"}, b"")]

    with pytest.raises(InputFileError):
        await fetch(f"{site.url}/x", tmp_path, "public private")


class ChangingNames(AbstractResolver):
    """A name that means another address each time it is asked for."""

    def __init__(self, *addresses):
        self.addresses = list(addresses)

    async def resolve(self, host, port=0, family=0):
        address = self.addresses.pop(0)
        return [
            {"hostname": host, "host": it, "port": port, "family": 2, "proto": 6, "flags": 0}
            for it in address.split()
        ]

    async def close(self):
        pass


async def test_a_name_that_changes_is_asked_about_where_it_leads_now(site, tmp_path):
    """The first answer is fine, and the redirect goes to the same name with another address."""
    again = f"http://rebind.test:{port_of(site)}/y"
    site.answers["/x"] = [(302, {"Location": again, "Connection": "close"}, b"")]
    names = ChangingNames("127.0.0.1", "169.254.169.254")
    url = f"http://rebind.test:{port_of(site)}/x"

    with pytest.raises(InputFileError, match=r"`rebind.test` may not be reached .* is link-local"):
        await fetch(url, tmp_path, "public private", names)

    assert [call.path for call in site.calls] == ["/x"]


async def test_of_several_addresses_only_an_allowed_one_is_dialled(site, tmp_path):
    site.answers["/x"] = [(200, {}, b"hello")]
    names = ChangingNames("169.254.169.254 127.0.0.1")

    url = f"http://many.test:{port_of(site)}/x"

    assert await fetch(url, tmp_path, "public private", names) == "hello"


@pytest.mark.parametrize("text", ["everywhere", "10.0.0.0/99", "public,host:80"])
def test_a_server_does_not_start_with_a_setting_that_means_nothing(text):
    with pytest.raises(SystemExit, match="COG_FETCH_ALLOW"):
        read_settings([], {"COG_PREDICT_TYPE_STUB": "x", "COG_FETCH_ALLOW": text})


@pytest.mark.slow
def test_a_refused_input_fails_the_prediction_with_the_host(start_server, site):
    server = start_server(
        "multi.py:Predictor", COG_FETCH_ALLOW="public", HTTP_PROXY=site.url
    ).wait_until_ready()

    reply = server.predict(action="read_file", file=METADATA)

    assert reply["status"] == "failed"
    assert "`169.254.169.254` may not be reached from here" in reply["error"]
    assert site.calls == []
