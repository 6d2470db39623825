"""What products of others push: each is proved to be theirs, and read into our own events."""

from collections.abc import Mapping
from typing import Final

from otklik_contact_center.domain.providers import (
    amazon_connect,
    asterisk,
    callrail,
    calltouch,
    chatwoot,
    freeswitch,
    genesys,
    mango,
    mapped,
    telegram,
    twilio,
    uis,
)
from otklik_contact_center.domain.providers.pushed import Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    one.PROVIDER.kind: one.PROVIDER
    for one in (
        mango,
        uis,
        asterisk,
        freeswitch,
        telegram,
        chatwoot,
        twilio,
        amazon_connect,
        genesys,
        callrail,
        calltouch,
        mapped,
    )
}
"""By the kind of source that they are."""
