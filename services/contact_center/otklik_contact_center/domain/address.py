"""By what a customer can be known again: a phone, an e-mail or an id, out of what senders write."""

import re
from typing import Literal, NamedTuple

Kind = Literal["phone", "email", "external"]


class Address(NamedTuple):
    """A way to a customer, not yet normalised."""

    kind: Kind
    value: str


HIDDEN = frozenset(
    (
        "anonymous",
        "restricted",
        "unavailable",
        "unknown",
        "private",
        "withheld",
        "blocked",
        "hidden",
        "+266696687",  # "ANONYMOUS" typed on a telephone's keys, as Twilio writes it
        "266696687",
    )
)
"""What exchanges write when the caller hides the number: equal to no other hidden number."""

_TECHNOLOGY = re.compile(r"^(?:sips?:|tel:|(?:SIP|PJSIP|IAX2|Local|DAHDI)/)", re.IGNORECASE)
_CHANNEL = re.compile(
    r"^(?P<called>(?:SIP|PJSIP)/[^@]*)-[0-9a-f]{8}$"
    r"|^(?P<numbered>(?:IAX2|DAHDI)/[^-@]*)-\d{1,5}$",
    re.IGNORECASE,
)
"""How Asterisk names one call of a device: `PJSIP/7001-0000001a`, `IAX2/7001-4242`."""
_PHONE = re.compile(r"^\+?[\d\s().\-/]{7,25}(?:\s*(?:ext\.?|x|доб\.?)\s*\d{1,6})?$", re.IGNORECASE)
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def read_address(text: str, *, spoken: bool) -> Address | None:
    """
    What `text` in `from` or `to` is.

    Args:
        text: As the sender wrote it: a phone in any form, `sip:…@host`, `PJSIP/…`, an e-mail,
            an id of a messenger.
        spoken: The contact is a call or a visit, where only phones are addresses.
    Returns:
        None for hidden and short numbers: they belong to nobody in particular.
    """
    value = text.strip()
    bare = _bare(value)
    if not bare or bare.casefold() in HIDDEN:
        return None
    if _PHONE.match(bare):
        return Address("phone", bare)
    if spoken or bare != value:
        return None
    if _EMAIL.match(bare):
        return Address("email", bare)
    return Address("external", bare)


def device(text: str) -> str:
    """
    What an exchange calls, however it writes it: `7001` of `PJSIP/7001`, `SIP/7001-0000001a`,
    `sip:7001@host` and `7001`. An e-mail is itself.
    """
    value = text.strip()
    channel = _CHANNEL.match(value)
    return _bare(value if channel is None else channel["called"] or channel["numbered"]).strip()


def _bare(value: str) -> str:
    """Without technology; and where one is named, without host and parameters."""
    bare = _TECHNOLOGY.sub("", value)
    return value if bare == value else bare.partition("@")[0].partition(";")[0]
