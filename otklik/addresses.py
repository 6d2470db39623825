"""Where a server listens, and how it is reached from the machine it runs on."""

import ipaddress
from urllib.parse import urlsplit

THIS_MACHINE = "127.0.0.1"


def url_of(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens on `host`."""
    address = _address(host)
    if address is not None and address.is_unspecified:
        # Everywhere is no place to go to. A server on :: does not listen on 127.0.0.1.
        host = "::1" if address.version == 6 else THIS_MACHINE
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def on_this_machine(url: str) -> bool:
    """Whether a URL leads to this machine itself, where no proxy of the environment belongs."""
    host = urlsplit(url).hostname or ""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
