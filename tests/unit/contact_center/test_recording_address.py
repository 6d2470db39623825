"""Where recordings may be fetched from, and links to hear them by."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.recording.address import (
    RecordingRefused,
    check_allowed,
    checked,
    entry_of,
    is_public,
    place_of,
)
from otklik_contact_center.domain.recording.link import is_signed, read_link, write_link

KEY = b"k" * 32
ID = UUID(int=7)
UNTIL = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)

NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "224.0.1.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))
    with pytest.raises(RecordingRefused) as refused:
        checked("records.example.com", [ip_address(text)])
    assert (refused.value.status, refused.value.code) == (409, "recording_address_not_public")


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])
def test_an_address_of_the_public_internet_is_one(text: str) -> None:
    assert is_public(ip_address(text))
    assert checked("records.example.com", [ip_address(text)]) == ip_address(text)


def test_one_bad_address_among_good_ones_spoils_all() -> None:
    with pytest.raises(RecordingRefused):
        checked("records.example.com", [IPv4Address("8.8.8.8"), IPv4Address("127.0.0.1")])
    with pytest.raises(RecordingRefused) as refused:
        checked("records.example.com", [])
    assert refused.value.code == "recording_host_unknown"


def test_what_the_operator_names_may_be_reached_and_nothing_beside_it() -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/64")]
    assert is_public(ip_address("10.1.2.3"), networks)
    assert is_public(ip_address("fd00::5"), networks)
    assert not is_public(ip_address("10.2.0.1"), networks)
    assert not is_public(ip_address("::ffff:10.1.2.3"), networks)


@given(st.ip_addresses(v=4))
def test_whatever_is_public_in_disguise_of_ipv6_is_refused(address: IPv4Address) -> None:
    number = int(address)
    for prefix in ("::ffff:0:0", "64:ff9b::", "::"):
        assert not is_public(IPv6Address(int(IPv6Address(prefix)) + number))
    assert not is_public(IPv6Address((0x2002 << 112) + (number << 80)))


@pytest.mark.parametrize(
    "text",
    [
        "http://records.example.com/a.mp3",
        "ftp://records.example.com/a.mp3",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user:password@records.example.com/a.mp3",
        "https://records.example.com@127.0.0.1/",
        "https:///a.mp3",
        "https://127.1/a.mp3",
        "https://2130706433/a.mp3",
        "https://0x7f.0.0.1/a.mp3",
        "https://0x7f000001/",
        "https://records.example.com:99999/",
        "https://[::1/",
        "https://records.example.com\\@127.0.0.1/",
        "https://records.example.com/a b",
        "https://records.example.com/\r\nHost: x",
        "https://записи.рф/a.mp3",
        "https://" + "a" * 3_000,
        "records.example.com/a.mp3",
        "",
    ],
)
def test_what_is_no_address_over_tls_is_refused(text: str) -> None:
    with pytest.raises(RecordingRefused) as refused:
        place_of(text, http=False)
    assert refused.value.code == "recording_address_malformed"


def test_an_address_is_read_as_it_is_asked_for() -> None:
    place = place_of("https://Records.Example.COM./a.mp3?sig=x%2F#t=5", http=False)
    assert (place.host, place.port, place.target) == ("records.example.com", 443, "/a.mp3?sig=x%2F")
    assert place.authority == "records.example.com"
    assert place_of("https://[2606:4700::1]:8443/", http=False).authority == "[2606:4700::1]:8443"
    assert place_of("http://pbx.example/a", http=True).authority == "pbx.example"


@pytest.mark.parametrize(
    ("url", "entry", "allowed"),
    [
        ("https://records.example.com/a", "records.example.com", True),
        ("https://a.records.example.com/a", "records.example.com", False),
        ("https://a.records.example.com/a", "*.example.com", True),
        ("https://example.com/a", "*.example.com", False),
        ("https://evil-example.com/a", "*.example.com", False),
        ("https://records.example.com.evil.net/a", "*.example.com", False),
        ("https://records.example.com:8443/a", "records.example.com", False),
        ("https://records.example.com:8443/a", "records.example.com:8443", True),
        ("https://a.example.com:8443/a", "*.example.com", False),
        ("https://a.example.com:8443/a", "*.example.com:8443", True),
        ("https://a.example.com/a", "*.example.com:8443", False),
        ("https://8.8.8.8/a", "8.8.8.8", True),
    ],
)
def test_a_host_is_allowed_by_name_and_port(url: str, entry: str, allowed: bool) -> None:
    assert entry_of(entry) == entry
    place = place_of(url, http=False)
    if allowed:
        check_allowed(place, [entry])
        return
    with pytest.raises(RecordingRefused) as refused:
        check_allowed(place, [entry])
    assert refused.value.code == "recording_host_not_allowed"


@pytest.mark.parametrize(
    "text", ["", "*", "*.com", "*.", "a..b", "https://a.example", "a.example/x", "a b", "a.example:0", "a.example:70000", "127.1"]
)  # fmt: skip
def test_what_is_no_host_is_not_listed(text: str) -> None:
    assert entry_of(text) is None


def test_a_host_is_kept_in_lower_case_and_without_the_usual_port() -> None:
    assert entry_of(" Records.Example.com ") == "records.example.com"
    assert entry_of("records.example.com:443") == "records.example.com"
    assert entry_of("*.example.com:443") == "*.example.com"


def test_a_link_says_what_it_was_made_for_and_cannot_be_changed() -> None:
    text = write_link(KEY, "demo2abc", ID, UNTIL)
    link = read_link(text)
    assert link is not None
    assert (link.tenant, link.id, link.until) == ("demo2abc", ID, UNTIL)
    assert is_signed(KEY, link)
    assert not is_signed(b"x" * 32, link)
    later = text.replace(str(int(UNTIL.timestamp())), str(int(UNTIL.timestamp()) + 600))
    for changed in (
        later,
        text.replace("demo2abc", "demo2abd"),
        text.replace(ID.hex, UUID(int=8).hex),
        text[:-1] + ("0" if text[-1] != "0" else "1"),
    ):
        other = read_link(changed)
        assert other is not None
        assert not is_signed(KEY, other)


@pytest.mark.parametrize("text", ["", "x", "demo2abc.1.a.b.c", "demo2abc.1..1.", "." * 4])
def test_what_is_no_link_is_none(text: str) -> None:
    assert read_link(text) is None
    far = write_link(KEY, "demo2abc", ID, UNTIL).replace(str(int(UNTIL.timestamp())), "9" * 12)
    assert read_link(far) is None


@given(st.uuids(), st.timedeltas(min_value=timedelta(), max_value=timedelta(days=9_000)))
def test_every_link_is_read_back(id_: UUID, span: timedelta) -> None:
    until = (UNTIL + span).replace(microsecond=0)
    link = read_link(write_link(KEY, "demo2abc", id_, until))
    assert link is not None
    assert (link.id, link.until, is_signed(KEY, link)) == (id_, until, True)
