"""
Where a recording may be fetched from: what a sender wrote is never simply believed.

A host that the company names, over TLS, at an address of the public Internet. Private, loopback,
link-local, shared (CGNAT), multicast and reserved addresses are refused, and those of IPv6 that
hold one of IPv4: behind them lie machines that trust whoever comes from here.

Source: IANA special-purpose address registries (RFC 6890, RFC 8190).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final
from urllib.parse import urlsplit

from otklik_common.errors import Conflict

MOST_HOSTS: Final = 100
MOST_CHARACTERS: Final = 2_000

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_HOLD_IPV4: Final = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))
"""Teredo and 6to4; what else holds an address of IPv4 is no global unicast."""

_PORTS: Final = {"https": 443, "http": 80}
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")  # fmt: skip
_ENTRY: Final = re.compile(r"(?P<host>(\*\.)?[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?")


class RecordingRefused(Conflict):
    """A recording is not fetched from where its sender says it lies."""

    code = "recording_refused"


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a recording is said to lie.

    Attributes:
        host: A name in lower case, or an address as text without brackets.
        target: Path and query, as sent to the host.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As it stands in the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def place_of(text: str, *, http: bool) -> Place:
    """
    Read an address.

    Args:
        http: Whether it may go without TLS.
    Raises:
        RecordingRefused: `recording_address_malformed`.
    """
    if len(text) > MOST_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
        raise _malformed("it is too long, or has characters that no address has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _malformed("it is no address") from None
    if parts.scheme not in (("https", "http") if http else ("https",)):
        raise _malformed("it is not https", "не https")
    if parts.username is not None or parts.password is not None or "\\" in text:
        raise _malformed("it holds a name or a password", "содержит имя или пароль")
    host = (parts.hostname or "").rstrip(".")
    if address_of(host) is None and not _is_name(host):
        raise _malformed("it names no host", "нет имени сервера")
    target = parts.path or "/"
    if parts.query:
        target = f"{target}?{parts.query}"
    return Place(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, target)


def address_of(host: str) -> Address | None:
    """The address that a host is written as; None for names, and for one of an interface of ours."""
    if "%" in host:
        return None
    try:
        return ip_address(host)
    except ValueError:
        return None


def entry_of(text: str) -> str | None:
    """A line of the company's list of hosts as it is kept; None if it is none."""
    found = _ENTRY.fullmatch(text.strip().lower())
    if found is None or int(found["port"] or 1) not in range(1, 65_536):
        return None
    host = found["host"].strip("[]").removeprefix("*.")
    if found["host"].startswith("*.") and "." not in host:
        return None  # the whole of a top-level domain
    if address_of(host) is None and not _is_name(host):
        return None
    return found[0].removesuffix(f":{_PORTS['https']}")


def check_allowed(place: Place, hosts: Iterable[str]) -> None:
    """
    Return if the company lets recordings be fetched from there.

    Args:
        hosts: As `entry_of` writes them: `records.example.com`, `*.example.com` for all below it,
            with a port where it is not the usual one.
    Raises:
        RecordingRefused: `recording_host_not_allowed`.
    """
    authority = place.authority
    port = authority.rpartition(":")[2] if place.port != _PORTS[place.scheme] else None
    for one in hosts:
        if one == authority:
            return
        suffix, _, wanted = one[1:].partition(":")
        below = one.startswith("*.") and place.host.endswith(suffix)
        if below and (wanted or None) == port and address_of(place.host) is None:
            return
    raise RecordingRefused(
        f"the company does not let recordings be fetched from {authority}: add it to recording-hosts",
        code="recording_host_not_allowed",
        detail_ru=f"записи с {authority} не разрешены: добавьте сервер в recording-hosts",
    )


def is_public(address: Address, networks: Collection[Network] = ()) -> bool:
    """
    Whether an address is of the public Internet, or of a network that the operator names.

    Args:
        networks: Others that may be reached.
    """
    if any(address in one for one in networks if one.version == address.version):
        return True
    if address.is_multicast or not address.is_global:
        return False
    if address.version == 4:
        return True
    return address in _GLOBAL_UNICAST and not any(address in one for one in _HOLD_IPV4)


def checked(
    host: str, addresses: Collection[Address], networks: Collection[Network] = ()
) -> Address:
    """
    The address to connect to, out of those that a host has.

    One that is not public spoils all: a name that points here and there is an attempt.

    Raises:
        RecordingRefused: `recording_address_not_public`, `recording_host_unknown`.
    """
    if not addresses:
        raise RecordingRefused(
            f"{host} is no host that is known",
            code="recording_host_unknown",
            detail_ru=f"сервер {host} не найден",
        )
    if not all(is_public(one, networks) for one in addresses):
        raise RecordingRefused(
            f"{host} is at a private or reserved address: recordings are fetched from public ones only",
            code="recording_address_not_public",
            detail_ru=f"{host} – частный или служебный адрес: записи берутся только с публичных",
        )
    return min(addresses, key=lambda one: one.version)


def _is_name(host: str) -> bool:
    # What the last label of numbers alone makes is an address in disguise: 127.1, 2130706433.
    last = host.rpartition(".")[2]
    return _NAME.fullmatch(host) is not None and not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last)


def _malformed(why: str, ru: str = "не разобран") -> RecordingRefused:
    return RecordingRefused(
        f"the recording's address cannot be used: {why}",
        code="recording_address_malformed",
        detail_ru=f"адрес записи не подходит: {ru}",
    )
