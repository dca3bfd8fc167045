"""The guard refuses what must not be reached, however its address is written."""

import errno
import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog.network_guard import AddressRefused, Guard, address_and_port, explained, read_guard

STRICT = Guard()
AT_HOME = Guard(is_private_allowed=True)

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:db8::5efe:169.254.169.254",
]
LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2a00::5efe:10.0.0.1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_refused_whatever_is_allowed(address):
    everything = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]

    assert STRICT.refusal(address, 80)
    assert Guard(is_private_allowed=True, networks=tuple(everything)).refusal(address, 80)


@pytest.mark.parametrize("address", LOCAL)
def test_loopback_and_private_addresses_are_a_choice(address):
    assert STRICT.refusal(address, 80) in {"loopback", "private"}
    assert AT_HOME.refusal(address, 80) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_everyones_addresses_are_allowed(address):
    assert STRICT.refusal(address, 80) is None
    assert Guard(is_public_allowed=False).refusal(address, 80) == "public"


def test_a_network_may_be_allowed_besides():
    guard = read_guard("public 10.1.0.0/16,fd12::/16")

    assert guard.refusal("10.1.2.3", 80) is None
    assert guard.refusal("::ffff:10.1.2.3", 80) is None
    assert guard.refusal("fd12::1", 80) is None
    assert guard.refusal("10.2.0.1", 80) == "private"
    assert guard.refusal("fd13::1", 80) == "private"


def test_a_single_address_is_allowed_with_its_port_only():
    guard = read_guard("public 127.0.0.1:4000 [::1]:4001")

    assert guard.refusal("127.0.0.1", 4000) is None
    assert guard.refusal("::ffff:127.0.0.1", 4000) is None
    assert guard.refusal("::1", 4001) is None
    assert guard.refusal("127.0.0.1", 4001) == "loopback"
    assert guard.refusal("127.0.0.2", 4000) == "loopback"


def test_what_is_refused_by_name_is_refused_where_its_neighbours_are_allowed():
    guard = Guard(is_private_allowed=True, refused=frozenset({address_and_port("127.0.0.1:4000")}))

    assert guard.refusal("127.0.0.1", 4000) == "the hub's own"
    assert guard.refusal("::ffff:127.0.0.1", 4000) == "the hub's own"
    assert guard.refusal("::127.0.0.1", 4000) == "the hub's own"
    assert guard.refusal("127.0.0.1", 4001) is None


@pytest.mark.parametrize("name", ["localhost", "", "2130706433", "0x7f.1", "example.org", "\0"])
def test_a_name_is_no_address(name):
    assert STRICT.refusal(name, 80) == "not an IP address"


def test_a_guard_says_itself_as_text():
    guard = read_guard("private [::1]:4001 10.1.2.3/16 public 127.0.0.1:4000")

    assert guard.as_text() == "public private 10.1.0.0/16 127.0.0.1:4000 [::1]:4001"
    assert read_guard(guard.as_text()) == guard


@pytest.mark.parametrize("text", ["everything", "10.0.0.0/33", "host:80", "127.0.0.1:x", "[::1]"])
def test_a_word_without_meaning_is_an_error(text):
    with pytest.raises(ValueError, match=r"."):
        read_guard(f"public {text}")


def test_no_socket_is_made_for_what_is_refused():
    with pytest.raises(AddressRefused) as refused:
        STRICT.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))

    assert refused.value.errno == errno.EACCES
    assert refused.value.strerror == "its address is loopback"


def test_a_socket_is_made_for_what_is_not():
    target = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0))

    with AT_HOME.open_socket(target) as opened:
        assert opened.family is socket.AF_INET6


def test_other_failures_are_told_as_they_are():
    assert explained(OSError("no route")) == "no route"
    assert explained(TimeoutError()) == "TimeoutError"


@given(st.ip_addresses())
def test_every_address_is_decided_alike_in_both_families(address):
    if address.version == 4:
        assert STRICT.refusal(f"::ffff:{address}", 80) == STRICT.refusal(str(address), 80)
    if STRICT.refusal(str(address), 80) is None:
        assert AT_HOME.refusal(str(address), 80) is None
