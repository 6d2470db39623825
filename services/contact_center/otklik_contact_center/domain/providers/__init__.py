"""What products of others push: each is proved to be theirs, and read into our own events."""

from collections.abc import Mapping
from typing import Final

from otklik_contact_center.domain.providers import mango, mapped
from otklik_contact_center.domain.providers.pushed import Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    one.kind: one for one in (mango.PROVIDER, mapped.PROVIDER)
}
"""By the kind of source that they are."""
