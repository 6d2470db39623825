"""The head's own line: contacts that came to it have a channel of their own."""

from typing import Final

import msgspec

from otklik_common.events.contact_center import HEAD_LINE
from otklik_common.pseudonym import e164, plain_email
from otklik_contact_center.domain.address import device, read_address
from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.events import MAX_ADDRESS

MOST_LINES: Final = 50
"""Of a company; a head has a phone, a mailbox, perhaps one of each per branch."""


def line_of(text: str, region: str) -> str | None:
    """
    A side of ours in the one form in which it is compared; None if there is nothing to it.

    Args:
        text: A phone in any form, an e-mail, or what else an exchange calls it: `7001`, also
            written as `PJSIP/7001-0000001a` or `sip:7001@host`.
        region: Of phones without a plus.
    """
    called = device(text)
    address = read_address(called, spoken=False)
    kind = None if address is None else address.kind
    found = called.casefold()
    if kind == "email":
        found = plain_email(called) or found
    elif kind == "phone":
        found = e164(called, region) or found
    return found if found and len(found) <= MAX_ADDRESS else None


def by_head_line(contact: Contact, lines: frozenset[str], region: str) -> Contact:
    """The contact, with the head's line as its channel if it came or went by one of `lines`."""
    line = contact.about.line
    if not lines or line is None or line_of(line, region) not in lines:
        return contact
    about = msgspec.structs.replace(contact.about, channel=HEAD_LINE)
    return msgspec.structs.replace(contact, about=about)
