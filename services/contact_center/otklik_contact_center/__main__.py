"""The contact centre alone: `python -m otklik_contact_center serve | work`; settings come from OTKLIK_*."""

from otklik_common.runtime import run_alone
from otklik_contact_center.module import MODULE

if __name__ == "__main__":
    run_alone(MODULE, __doc__)
