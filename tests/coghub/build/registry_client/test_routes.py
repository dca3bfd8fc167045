"""Through which proxy a host is reached."""

import pytest

from coghub.build.registry_client.routes import Proxy, proxy_for, tls_context
from coghub.domain.errors import SettingInvalid

PROXY = {"HTTPS_PROXY": "http://proxy.example:3128"}


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        (PROXY, Proxy("proxy.example", 3128)),
        ({"https_proxy": "proxy.example"}, Proxy("proxy.example", 8080)),
        ({"ALL_PROXY": "http://p:1"}, Proxy("p", 1)),
        ({"HTTP_PROXY": "http://p:1"}, None),
        (
            {"HTTPS_PROXY": "http://us%40er:p@p.example:1"},
            Proxy("p.example", 1, "Basic dXNAZXI6cA=="),
        ),
    ],
)
def test_a_proxy_is_found_as_other_tools_find_it(environ, proxy):
    assert proxy_for("https", "hub.example", 443, environ) == proxy


@pytest.mark.parametrize(
    ("host", "excluded", "is_direct"),
    [
        ("hub.example", "hub.example", True),
        ("hub.example", "other, .EXAMPLE", True),
        ("hub.example", "example", True),
        ("hub.example", "*.example", True),
        ("hub.example", "*", True),
        ("hub.example", "hub.example:443", True),
        ("hub.example", "hub.example:80", False),
        ("hub.example", "b.example,xample,", False),
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("127.0.0.1", "", True),
        ("localhost", "", True),
    ],
)
def test_some_hosts_are_reached_directly(host, excluded, is_direct):
    environ = {**PROXY, "NO_PROXY": excluded}

    assert (proxy_for("https", host, 443, environ) is None) == is_direct


@pytest.mark.parametrize("address", ["socks5://p:1", "https://p:1", "http://"])
def test_a_proxy_of_another_kind_is_refused_by_the_variables_name(address):
    with pytest.raises(SettingInvalid, match="https_proxy"):
        proxy_for("https", "hub.example", 443, {"HTTPS_PROXY": address})


def test_a_file_without_certificates_is_refused_by_the_variables_name(tmp_path):
    with pytest.raises(SettingInvalid, match="SSL_CERT_FILE"):
        tls_context({"SSL_CERT_FILE": str(tmp_path / "missing.pem")})
