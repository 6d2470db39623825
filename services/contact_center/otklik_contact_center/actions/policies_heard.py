"""What access says of policies and hours, heard: contacts that it changes are folded anew."""

from otklik_common.clocks.heard import KeepPolicies
from otklik_common.clocks.policies import CONTACT
from otklik_contact_center.store import policies
from otklik_contact_center.store.clocks import LOCK
from otklik_contact_center.store.columns import SCHEMA


def keep_policies() -> KeepPolicies:
    """The consumer of access's facts."""
    return KeepPolicies(SCHEMA, LOCK, (CONTACT,), policies.changed)
